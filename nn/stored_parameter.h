#pragma once
#include <string>

#include "nn/scope.h"

namespace kintsugi {

/// A parameter of shape `shape` whose numbers stay in a file: `stored` is where they lie there, f32 in the file's layout. Where that is memory's layout,
/// as for linear layers and 1x1 convolutions, it shares the file's pages; else it is converted into memory of its own. Either happens when it
/// is first used and, after a release(), again; it throws Error beginning with `where` when a number is not finite.
Tensor stored_parameter(const Tensor& stored, const Shape& shape, Layout layout, std::string where);

}  // namespace kintsugi
