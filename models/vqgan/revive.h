#pragma once
#include "models/vqgan/vqgan.h"

namespace kintsugi {

/// Moves every code that no token of `images` [N,H,W,3] uses onto a random token of theirs, and returns how many were moved. Called now and then in
/// the first steps it starts the codebook inside the encoder's range and keeps it from collapsing to a few codes (the restart of Dhariwal
/// et al., "Jukebox", 2020). Not in the published training, which has the steps to do without. Random in (seed, step).
int64_t revive_codes(const VQAutoEncoder& net, const Tensor& images, uint64_t seed, uint64_t step);

}  // namespace kintsugi
