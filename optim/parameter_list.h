// What optimisers and averages work on, and how their state is restored.
#pragma once
#include "autograd/named.h"
#include "tensor/named_tensors.h"

namespace kintsugi {

/// Copies values into `to` from the entries of `from` with the same names; extra entries are ignored. Throws Error naming `what` when
/// a name is missing or a shape differs, before anything is changed.
void copy_by_name(const char* what, const NamedTensors& to, const NamedTensors& from);

}  // namespace kintsugi
