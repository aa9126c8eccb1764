// Padding of images [N,H,W,C]. Linear, differentiable without end.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// reflect mirrors without repeating the border (abc -> cb|abc|ba) and needs pads smaller than the image; replicate repeats
/// the border pixel.
enum class PadMode : uint8_t { constant, reflect, replicate };

/// x [N,H,W,C] -> [N, H + top + bottom, W + left + right, C], pads >= 0. `value` is used by constant only.
/// Any dtype for constant, f32 or f64 for the others.
Var pad2d(const Var& x, int64_t top, int64_t bottom, int64_t left, int64_t right, PadMode mode = PadMode::constant, double value = 0);

}  // namespace kintsugi
