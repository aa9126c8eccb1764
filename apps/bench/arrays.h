// The arrays of one problem: random inputs, outputs filled with NaN. Never zeros: products with zeros cost less power, and some
// code takes short cuts.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi::bench {

/// Every array asked for lives as long as this object. Two objects hand out the same numbers in the same order, so that two rows
/// can be compared.
class Arrays {
 public:
  float* normal(int64_t count, double mean = 0, double std = 1);
  float* uniform(int64_t count, double low, double high);
  /// Integers in [0, limit).
  template <class T>
  T* below(int64_t count, int64_t limit) {
    Tensor t = fresh(count, dtype_of<T>);
    draw_below(count, limit, [p = t.data<T>()](int64_t i, int64_t v) { p[i] = T(v); });
    return t.data<T>();
  }
  /// Written by the kernel and compared with `ref`.
  template <class T = float>
  T* out(int64_t count) {
    return compared(poisoned(fresh(count, dtype_of<T>))).template data<T>();
  }
  /// Random to begin with, updated by the kernel and compared.
  float* updated(int64_t count, double mean = 0, double std = 1);

  /// Holds anything else that the arguments point to.
  template <class T>
  const T& keep(T value) {
    auto p = std::make_shared<const T>(std::move(value));
    kept_.push_back(p);
    return *p;
  }

  size_t bytes() const { return bytes_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }

 private:
  Tensor fresh(int64_t count, DType dtype);
  Tensor poisoned(Tensor t);
  Tensor compared(Tensor t);
  void draw_below(int64_t count, int64_t limit, const std::function<void(int64_t, int64_t)>& set);

  std::vector<Tensor> arrays_, outputs_;
  std::vector<std::shared_ptr<const void>> kept_;
  size_t bytes_ = 0;
};

/// Normal numbers for any array; `place` chooses where in a long repeated sequence they begin.
void fill_normal(std::span<float> array, double mean, double std, size_t place);

/// Largest difference of floating outputs relative to the largest element of `truth`; infinity for anything not finite and for any
/// integer that differs.
double worst_difference(const Arrays& got, const Arrays& truth);

}  // namespace kintsugi::bench
