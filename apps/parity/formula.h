// Formula weights: every parameter and synthetic input of a golden vector is a pure function of (salt, name, flat index), so
// nothing but the salt is stored. FNV-1a hashes salt + "/" + name, SplitMix64 turns hash + index into 64 bits:
//   value = float(offset + scale * v),  v = 2 (x >> 40) / 2^24 - 1 in [-1, 1).
// Indices run in PyTorch's row-major order (conv weights O,I,kh,kw; images N,C,H,W). Everything returned here is in that order.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace kintsugi::parity {

/// An input or probe, f32.
Tensor formula(const std::string& salt, const std::string& name, const Shape& stored_shape, double offset = 0, double scale = 1);

/// Class numbers (x >> 40) mod classes, i64.
Tensor formula_classes(const std::string& salt, const std::string& name, const Shape& shape, int64_t classes);

struct FormulaRule {
  double offset = 0, scale = 1;
};
/// The range of a network's parameter or buffer by its name and PyTorch shape. `name` includes the case's prefix, and its last part
/// is what follows the last dot: "tiny_cf/position_emb" is therefore a plain matrix, "position_emb" is not.
FormulaRule formula_rule(const std::string& name, const Shape& stored_shape);

/// The generated value of a parameter or buffer, f32.
Tensor formula_parameter(const std::string& salt, const std::string& name, const Shape& stored_shape);

}  // namespace kintsugi::parity
