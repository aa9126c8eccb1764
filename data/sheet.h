#pragma once
#include <vector>

#include "data/image.h"

namespace kintsugi {

/// Images of one size side by side in reading order, `columns` to a row, `gap` white pixels between. Throws Error when there are
/// none or their sizes differ.
Image tile(const std::vector<Image>& images, int columns, int gap = 0);

}  // namespace kintsugi
