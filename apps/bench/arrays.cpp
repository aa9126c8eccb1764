#include "apps/bench/arrays.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/base/philox.h"

namespace kintsugi::bench {
namespace {

// Normal numbers are drawn once and repeated: drawing gigabytes would take longer than timing them. The period is a prime, so that
// it never falls in step with rows or planes, and no vector appears twice in one array.
constexpr int64_t kPeriod = 262139;

const std::vector<float>& normals() {
  static const std::vector<float> numbers = [] {
    const Philox stream(1, "bench");
    std::vector<float> v(kPeriod);
    for (int64_t i = 0; i < kPeriod; ++i) v[size_t(i)] = stream.normal_at(uint64_t(i));
    return v;
  }();
  return numbers;
}

}  // namespace

Tensor Arrays::normals(int64_t count, double mean, double std) const {
  const Tensor t({count});
  fill_normal(t.span<float>(), mean, std, place());
  return t;
}

const Tensor& Arrays::add(const Tensor& host) {
  bytes_ += host.bytes();
  return arrays_.emplace_back(host.to(material_.device));
}

void* Arrays::normal(int64_t count, double mean, double std) { return add_elements(normals(count, mean, std)).raw(); }

float* Arrays::statistics(int64_t count, double mean, double std) { return add(normals(count, mean, std)).raw<float>(); }

Tensor Arrays::output(int64_t count, DType dtype) {
  const Tensor t({count}, dtype, material_.device);
  if (material_.device.kind == DeviceKind::cpu) std::memset(t.raw(), 0xff, t.bytes());
  else runtime_on(material_.device).fill_bytes(t.raw(), 0xff, t.bytes(), current_stream(material_.device));
  bytes_ += t.bytes();
  arrays_.push_back(t);
  return outputs_.emplace_back(t);
}

void fill_normal(std::span<float> array, double mean, double std, size_t place) {
  const auto& numbers = normals();
  size_t at = place % numbers.size();
  for (float& v : array) {
    v = float(mean + std * double(numbers[at]));
    if (++at == numbers.size()) at = 0;
  }
}

void* Arrays::uniform(int64_t count, double low, double high) {
  const Tensor t({count});
  const Philox stream(2, "bench", arrays_.size() + 1);
  float* p = t.data<float>();
  for (int64_t i = 0; i < count; ++i) p[i] = float(low + (high - low) * double(stream.uniform_at(uint64_t(i))));
  return add_elements(t).raw();
}

void Arrays::draw_below(int64_t count, int64_t limit, const std::function<void(int64_t, int64_t)>& set) {
  Philox stream(3, "bench", arrays_.size() + 1);
  for (int64_t i = 0; i < count; ++i) set(i, stream.below(uint32_t(limit)));
}

void* Arrays::updated(int64_t count, double mean, double std) {
  normal(count, mean, std);
  return outputs_.emplace_back(arrays_.back()).raw();
}

double worst_difference(const Arrays& got, const Arrays& truth) {
  double worst = 0;
  for (size_t k = 0; k < truth.outputs().size(); ++k) {
    const Tensor a = got.outputs()[k].host(), b = truth.outputs()[k].host();
    if (b.dtype() == DType::i64 || b.dtype() == DType::i32) {
      if (std::memcmp(a.raw(), b.raw(), b.bytes()) != 0) return INFINITY;
      continue;
    }
    double difference = 0, scale = 1e-30;
    for (int64_t i = 0; i < b.numel(); ++i) {
      const double x = a.item(i), y = b.item(i);
      if (!std::isfinite(x) || !std::isfinite(y)) return INFINITY;
      difference = std::max(difference, std::fabs(x - y));
      scale = std::max(scale, std::fabs(y));
    }
    worst = std::max(worst, difference / scale);
  }
  return worst;
}

}  // namespace kintsugi::bench
