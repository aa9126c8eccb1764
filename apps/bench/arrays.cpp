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

Tensor Arrays::fresh(int64_t count, DType dtype) {
  Tensor t({count}, dtype);
  bytes_ += t.bytes();
  arrays_.push_back(t);
  return t;
}

Tensor Arrays::poisoned(Tensor t) {
  std::memset(t.raw(), 0xff, t.bytes());
  return t;
}

Tensor Arrays::compared(Tensor t) {
  outputs_.push_back(t);
  return t;
}

float* Arrays::normal(int64_t count, double mean, double std) {
  const Tensor t = fresh(count, DType::f32);
  fill_normal(t.span<float>(), mean, std, arrays_.size() * 7919);  // another place for every array
  return t.data<float>();
}

void fill_normal(std::span<float> array, double mean, double std, size_t place) {
  const auto& numbers = normals();
  size_t at = place % numbers.size();
  for (float& v : array) {
    v = float(mean + std * double(numbers[at]));
    if (++at == numbers.size()) at = 0;
  }
}

float* Arrays::uniform(int64_t count, double low, double high) {
  float* p = fresh(count, DType::f32).data<float>();
  const Philox stream(2, "bench", arrays_.size());
  for (int64_t i = 0; i < count; ++i) p[i] = float(low + (high - low) * double(stream.uniform_at(uint64_t(i))));
  return p;
}

void Arrays::draw_below(int64_t count, int64_t limit, const std::function<void(int64_t, int64_t)>& set) {
  Philox stream(3, "bench", arrays_.size());
  for (int64_t i = 0; i < count; ++i) set(i, stream.below(uint32_t(limit)));
}

float* Arrays::updated(int64_t count, double mean, double std) {
  float* p = normal(count, mean, std);
  compared(arrays_.back());
  return p;
}

double worst_difference(const Arrays& got, const Arrays& truth) {
  double worst = 0;
  for (size_t k = 0; k < truth.outputs().size(); ++k) {
    const Tensor &a = got.outputs()[k], &b = truth.outputs()[k];
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
