#include "data/faces/sheet.h"

#include "data/faces/drawn_face.h"
#include "data/sheet.h"
#include "kernels/base/error.h"

namespace kintsugi {

Image faces_sheet(uint64_t seed, int columns, int rows, int size) {
  KIN_CHECK(columns > 0 && rows > 0, "faces_sheet: columns and rows must be positive, got ", columns, " x ", rows);
  std::vector<Image> faces;
  for (int k = 0; k < columns * rows; ++k) faces.push_back(draw_face(seed, uint32_t(k), 0, size).image);
  return tile(faces, columns);
}

}  // namespace kintsugi
