// White brush strokes over a face, the holes of inpainting training (the published CodeFormer inpainting options).
#pragma once
#include "data/image.h"
#include "kernels/base/philox.h"

namespace kintsugi {

struct StrokeOptions {
  int most_strokes = 3;             // 1 to this many
  int least_corners = 8, most_corners = 27;
  double least_width = 30, most_width = 70;  // whole pixels of a 512 x 512 picture; scaled with sqrt(h*w)/512
};

/// [h, w, 1]: 1 inside a stroke, 0 elsewhere. A stroke is every pixel within half a width of a random zigzag: directions turn
/// by about 2pi/5 to alternating sides, steps are N(R, floor(R/2)) in [0, 2R] with R an eighth of the diagonal. Throws Error for
/// an empty size and for options that are not positive and ordered.
Image stroke_mask(int h, int w, const StrokeOptions& options, Philox& random);

/// The picture in 8 bits (cut off, not rounded, as the reference does) with the masked pixels white. Throws Error unless the mask is
/// [h, w, 1].
Image paint_white(const Image& image, const Image& mask);

}  // namespace kintsugi
