// What optimisers and averages work on, and how their state is restored.
#pragma once
#include <span>
#include <string>

#include "autograd/named.h"

namespace kintsugi {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Copies values into `to` from the entries of `from` with the same names; extra entries are ignored. Throws Error naming `what` when
/// a name is missing or a shape differs, before anything is changed.
void copy_by_name(const char* what, std::span<const NamedTensor> to, std::span<const NamedTensor> from);

}  // namespace kintsugi
