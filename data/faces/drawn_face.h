// Faces drawn from numbers: enough of a human face (shape, skin, hair, light, expression) to train and test restoration
// without downloading anything, with ground truth no photograph has.
//
// Frame: the aligned crop of FFHQ. At 512 pixels the mean eye centres, nose tip and mouth corners lie at
// (193, 240) (319, 240) (257, 314) (201, 371) (313, 371); other sizes scale. One call is one thread's work and calls
// do not share state: loader threads may draw at once.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "data/faces/part.h"
#include "data/image.h"
#include "data/point.h"

namespace kintsugi {

struct DrawnFace {
  Image image;                      // [size, size, 3]
  std::array<Point, 68> landmarks;  // iBUG order, in pixels of `image`
  std::array<Point, 5> alignment;   // left eye, right eye, nose tip, left and right mouth corner, as in the picture
  std::vector<uint8_t> parsing;     // [size, size], faces::Part
  uint32_t identity = 0;
};

/// The person `identity` of the world `seed`, in the picture `variation` (pose, expression, light, dress, backdrop).
/// A function of its arguments: the same bits on every call and thread, and the same face at every size.
/// size: 16 to 2048 pixels. Throws Error outside.
DrawnFace draw_face(uint64_t seed, uint32_t identity, uint32_t variation, int size);

}  // namespace kintsugi
