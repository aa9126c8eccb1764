// Classes of the parsing map: CelebAMask-HQ's parts in the order face parsers are trained on.
#pragma once
#include <cstdint>

namespace kintsugi::faces {

/// Left and right are the picture's, not the person's. Lenses count as glasses, beards as skin.
enum Part : uint8_t {
  background,
  skin,
  left_brow,
  right_brow,
  left_eye,
  right_eye,
  glasses,
  left_ear,
  right_ear,
  earring,
  nose,
  mouth,
  upper_lip,
  lower_lip,
  neck,
  necklace,
  cloth,
  hair,
  hat,
};
constexpr int kParts = 19;

}  // namespace kintsugi::faces
