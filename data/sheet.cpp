#include "data/sheet.h"

#include <algorithm>

#include "kernels/base/error.h"

namespace kintsugi {

Image tile(const std::vector<Image>& images, int columns, int gap) {
  KIN_CHECK(!images.empty() && columns >= 1 && gap >= 0, "tile: needs images, columns >= 1 and gap >= 0, got ", images.size(), " images, ",
            columns, " columns, gap ", gap);
  const Image& first = images.front();
  const int rows = (int(images.size()) + columns - 1) / columns;
  Image sheet(rows * (first.h + gap) - gap, columns * (first.w + gap) - gap, first.c, 1.0f);
  for (size_t i = 0; i < images.size(); ++i) {
    const Image& im = images[i];
    KIN_CHECK(im.h == first.h && im.w == first.w && im.c == first.c, "tile: image ", i, " is ", im.w, "x", im.h, ", the first is ", first.w, "x", first.h);
    const int y0 = int(i) / columns * (first.h + gap), x0 = int(i) % columns * (first.w + gap);
    for (int y = 0; y < im.h; ++y) std::copy_n(im.at(y, 0), im.w * im.c, sheet.at(y0 + y, x0));
  }
  return sheet;
}

}  // namespace kintsugi
