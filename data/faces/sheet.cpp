#include "data/faces/sheet.h"

#include <algorithm>

#include "data/faces/drawn_face.h"
#include "kernels/base/error.h"

namespace kintsugi {

Image faces_sheet(uint64_t seed, int columns, int rows, int size) {
  KIN_CHECK(columns > 0 && rows > 0, "faces_sheet: columns and rows must be positive, got ", columns, " x ", rows);
  Image sheet(rows * size, columns * size, 3);
  for (int k = 0; k < columns * rows; ++k) {
    const DrawnFace face = draw_face(seed, uint32_t(k), 0, size);
    for (int y = 0; y < size; ++y) {
      const float* row = face.image.at(y, 0);
      std::copy(row, row + size_t(size) * 3, sheet.at(k / columns * size + y, k % columns * size));
    }
  }
  return sheet;
}

}  // namespace kintsugi
