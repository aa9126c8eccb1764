// The arrays of one problem: random inputs, outputs filled with NaN. Never zeros: products with zeros cost less power, and some
// code takes short cuts.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi::bench {

/// What a problem is made of.
struct Material {
  Device device = {};
  DType dtype = DType::f32;   // of the elements
  DType values = DType::f32;  // inputs are numbers that this type holds: f32 arrays with the values of bf16 ones are what those are compared with
};

/// Every array asked for lives as long as this object, in the memory of its device. Two objects hand out the same numbers in the same order,
/// so that two rows can be compared.
class Arrays {
 public:
  explicit Arrays(Material material = {}) : material_(material) {}

  /// Of the elements' type, as all arrays that do not say otherwise; goes into the args.
  DType dtype() const { return material_.dtype; }
  void* normal(int64_t count, double mean = 0, double std = 1);
  void* uniform(int64_t count, double low, double high);
  /// What a normalisation keeps of its forward pass: f32, whatever the elements are.
  float* statistics(int64_t count, double mean, double std);
  /// Integers in [0, limit).
  template <class T>
  T* below(int64_t count, int64_t limit) {
    std::vector<T> values(static_cast<size_t>(count));
    draw_below(count, limit, [&](int64_t i, int64_t v) { values[size_t(i)] = T(v); });
    return table(values);
  }
  /// The same values where the kernel reads them.
  template <class T>
  T* table(const std::vector<T>& values) {
    return add(Tensor::of<T>({int64_t(values.size())}, values)).template raw<T>();
  }
  /// Written by the kernel and compared with `ref`.
  void* out(int64_t count) { return output(count, material_.dtype).raw(); }
  template <class T>
  T* out(int64_t count) {
    return output(count, dtype_of<T>).template raw<T>();
  }
  /// Random to begin with, updated by the kernel and compared.
  void* updated(int64_t count, double mean = 0, double std = 1);

  size_t bytes() const { return bytes_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }

 private:
  size_t place() const { return (arrays_.size() + 1) * 7919; }  // of the next array's numbers, another for each
  Tensor normals(int64_t count, double mean, double std) const;
  const Tensor& add(const Tensor& host);
  const Tensor& add_elements(const Tensor& host) { return add(host.to(material_.values).to(material_.dtype)); }
  Tensor output(int64_t count, DType dtype);
  void draw_below(int64_t count, int64_t limit, const std::function<void(int64_t, int64_t)>& set);

  Material material_;
  std::vector<Tensor> arrays_, outputs_;
  size_t bytes_ = 0;
};

/// Normal numbers for any array; `place` chooses where in a long repeated sequence they begin.
void fill_normal(std::span<float> array, double mean, double std, size_t place);

/// Largest difference of floating outputs relative to the largest element of `truth`; infinity for anything not finite and for any
/// integer that differs. The types of floating outputs may differ.
double worst_difference(const Arrays& got, const Arrays& truth);

}  // namespace kintsugi::bench
