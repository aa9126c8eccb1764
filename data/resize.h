// Resizing, cropping and mirroring pictures with the conventions of OpenCV (half-pixel centres, borders repeated).
#pragma once
#include "data/image.h"
#include "kernels/resample_taps.h"

namespace kintsugi {

enum class Filter {
  nearest,   // source pixel floor(x * scale)
  linear,    // INTER_LINEAR: two taps, no antialiasing when shrinking
  cubic,     // INTER_CUBIC: Keys' kernel with a = -0.75
  lanczos4,  // INTER_LANCZOS4: eight taps
  area,      // INTER_AREA: mean over the covered part of the source, the right choice for shrinking
};

/// Any number of channels; throws Error for an empty picture and unless h, w >= 1. cubic and lanczos4 may leave [0, 1] near edges.
Image resize(const Image& image, int h, int w, Filter filter = Filter::linear);

/// One axis of Filter::linear for the kernel family resample2d, so that pictures on other devices are resized as those here.
ResampleTaps linear_taps(int in, int out);

/// The h x w window whose first pixel is (y, x); throws Error unless it lies inside the picture.
Image crop(const Image& image, int y, int x, int h, int w);

Image flip_horizontal(const Image& image);

/// The middle square of a picture, resized to size x size: area when shrinking, bilinear when enlarging. One of that size is passed on.
Image fit_square(Image image, int size);

}  // namespace kintsugi
