// Leaves with the names they have in checkpoints: what parameter stores list, optimisers step and gradient checks report on.
#pragma once
#include <string>
#include <vector>

#include "autograd/var.h"

namespace kintsugi {

struct NamedVar {
  std::string name;
  Var var;
};
using ParameterList = std::vector<NamedVar>;

}  // namespace kintsugi
