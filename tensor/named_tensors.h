#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi {

/// Tensors under names, in an order: what files hold.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

}  // namespace kintsugi
