// A contact sheet of drawn faces.
#pragma once
#include <cstdint>

#include "data/image.h"

namespace kintsugi {

/// columns x rows faces of `size` pixels, persons 0, 1, 2, ... of this seed in reading order.
/// Returns [rows * size, columns * size, 3]. Throws Error unless columns and rows are positive and size is 16..2048.
Image faces_sheet(uint64_t seed, int columns, int rows, int size);

}  // namespace kintsugi
