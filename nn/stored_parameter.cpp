#include "nn/stored_parameter.h"

#include <algorithm>
#include <bit>

#include "kernels/base/parallel.h"

namespace kintsugi {
namespace {

// Bits without the sign: larger than every finite number's from kInfinity on.
constexpr uint32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;
uint32_t magnitude(float v) { return std::bit_cast<uint32_t>(v) & kMagnitude; }

constexpr int64_t kWork = 1 << 18;  // numbers in a chunk

// Runs body(i), which returns the largest magnitude it saw, for the rows of a matrix; throws Error when one is not finite.
template <class Body>
void each_row(int64_t rows, int64_t width, const std::string& where, Body&& body) {
  std::atomic<bool> finite = true;
  parallel_for(rows, grain_for(width, kWork), [&](int64_t begin, int64_t end) {
    uint32_t largest = 0;
    for (int64_t i = begin; i < end; ++i) largest = std::max(largest, body(i));
    if (largest >= kInfinity) finite = false;
  });
  KIN_CHECK(finite, where, ": holds numbers that are not finite");
}

class Viewed final : public Origin {
 public:
  Viewed(Tensor stored, std::string where) : stored_(std::move(stored)), where_(std::move(where)) {}
  void* bring() override {
    if (!checked_) {
      const float* v = stored_.data<float>();
      const int64_t n = stored_.numel(), width = 1024;
      each_row((n + width - 1) / width, width, where_, [&](int64_t i) {
        uint32_t largest = 0;
        for (int64_t k = i * width; k < std::min(n, (i + 1) * width); ++k) largest = std::max(largest, magnitude(v[k]));
        return largest;
      });
      checked_ = true;
    }
    return stored_.raw();
  }
  void let_go(void*) override { stored_.release(); }

 private:
  Tensor stored_;
  std::string where_;
  bool checked_ = false;
};

// [O, I, taps] in the file, [O, taps, I] in memory.
class Converted final : public Origin {
 public:
  Converted(Tensor stored, std::string where) : stored_(std::move(stored)), where_(std::move(where)) {}
  void* bring() override {
    const float* from = stored_.data<float>();
    const int64_t inputs = stored_.dim(1), taps = stored_.dim(2) * stored_.dim(3), width = inputs * taps;
    auto* to = static_cast<float*>(take_block(stored_.bytes()));
    try {
      each_row(stored_.dim(0), width, where_, [&](int64_t o) {
        uint32_t largest = 0;
        for (int64_t t = 0; t < taps; ++t)
          for (int64_t i = 0; i < inputs; ++i) {
            const float v = from[o * width + i * taps + t];
            largest = std::max(largest, magnitude(v));
            to[o * width + t * inputs + i] = v;
          }
        return largest;
      });
    } catch (...) {
      give_block(to, stored_.bytes());
      throw;
    }
    stored_.release();
    return to;
  }
  void let_go(void* data) override { give_block(data, stored_.bytes()); }

 private:
  Tensor stored_;
  std::string where_;
};

}  // namespace

Tensor stored_parameter(const Tensor& stored, const Shape& shape, Layout layout, std::string where) {
  KIN_CHECK(stored.dtype() == DType::f32 && stored.numel() == shape.numel(), where, ": must be f32 with ", shape.numel(), " numbers, got ", stored);
  const bool same = layout == Layout::plain || shape[3] == 1 || shape[1] * shape[2] == 1;
  if (same) return Tensor::from(std::make_unique<Viewed>(stored, std::move(where)), shape, DType::f32);
  return Tensor::from(std::make_unique<Converted>(stored, std::move(where)), shape, DType::f32);
}

}  // namespace kintsugi
