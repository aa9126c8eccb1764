// Plain words under pictures, in a built-in pixel font: a sheet explains itself wherever it ends up.
#pragma once
#include <string>
#include <vector>

#include "data/image.h"

namespace kintsugi {

/// [7 scale, 6 scale n - scale, c] for n characters: black on white. Letters (drawn small), digits, and . = - + / are known; anything else
/// is a blank. An empty text gives a picture one pixel wide. Throws Error unless scale >= 1.
Image text_image(const std::string& text, int scale = 1, int channels = 3);

struct LabelledImage {
  std::string label;
  Image image;
};

/// Pictures of one size side by side, each under its label, on white. Labels grow with the pictures; a column is as wide as the
/// widest of label and picture. Throws Error when there are none or their sizes differ.
Image labelled_row(const std::vector<LabelledImage>& columns, int gap = 4);

}  // namespace kintsugi
