// How a parameter starts. PyTorch's defaults, so that training from scratch starts from the same distributions; the numbers are a
// function of (seed, full parameter name), so adding a layer changes no other layer's start.
#pragma once
#include <cmath>
#include <cstdint>
#include <string_view>

#include "tensor/tensor.h"

namespace kintsugi {

struct Init {
  enum class Kind : uint8_t { constant, uniform, normal };
  Kind kind = Kind::constant;
  double a = 0, b = 0;  // constant: a; uniform: [a, b); normal: mean a, standard deviation b

  static Init zeros() { return {}; }
  static Init ones() { return {Kind::constant, 1, 0}; }
  static Init constant(double value) { return {Kind::constant, value, 0}; }
  static Init uniform(double lo, double hi) { return {Kind::uniform, lo, hi}; }
  static Init normal(double mean, double std) { return {Kind::normal, mean, std}; }
  /// Kaiming-uniform with a = sqrt(5), the default of convolutions and linear layers for weight and bias alike:
  /// U(-1/sqrt(fan_in), 1/sqrt(fan_in)). (He et al., "Delving deep into rectifiers", ICCV 2015.)
  static Init kaiming_uniform(int64_t fan_in) {
    const double bound = 1 / std::sqrt(double(fan_in));
    return uniform(-bound, bound);
  }
  /// U(-sqrt(6/(fan_in + fan_out)), sqrt(6/(fan_in + fan_out))), for stacked attention projections.
  /// (Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.)
  static Init xavier_uniform(int64_t fan_in, int64_t fan_out) {
    const double bound = std::sqrt(6.0 / double(fan_in + fan_out));
    return uniform(-bound, bound);
  }

  Tensor make(Shape shape, uint64_t seed, std::string_view name, DType dtype) const;
};

}  // namespace kintsugi
