// What the direct convolution and its weight gradient share: a block of input rows, zero-padded and contiguous.
#pragma once
#include <cstdint>

#include "kernels/cpu/channel_norm.h"

namespace kintsugi::cpu {

/// One channel group of an NHWC image.
struct ImageView {
  const float* data;    // channel 0 of the group at pixel (0, 0)
  int64_t h, w, pixel;  // pixel: floats from one pixel to the next (all groups)
  int64_t c;            // channels of the group
  ChannelNorm norm = {};  // of this image and group; for what lies inside the image
};

/// dst[rows][columns][c] = the image from pixel (y0, x0) on, normalised if it has a norm; zero wherever that lies outside it.
void copy_padded(float* dst, const ImageView& image, int64_t y0, int64_t x0, int64_t rows, int64_t columns);

}  // namespace kintsugi::cpu
