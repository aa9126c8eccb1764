// What an embedded ICC profile asks for. The networks know sRGB only, so colours are brought there and back. Needs lcms2; without it
// pictures are taken as they are.
#pragma once
#include <optional>
#include <string>

#include "data/image.h"
#include "data/bytes.h"

namespace kintsugi {

/// Whether the build has lcms2.
bool has_colour_conversion();

enum class ProfileUse {
  none_needed,  // no profile, or one that is sRGB to within one 8-bit level
  convert,      // another one
  unusable,     // damaged, of another kind of colours, or the build has no lcms2 and the profile's name does not contain "sRGB"
};
/// `channels`: 3 for RGB, 1 for grey, whose profiles are compared with sRGB's tone curve.
ProfileUse use_of_profile(Bytes icc, int channels);

/// The profile's name for people (ASCII of its 'desc' tag), or empty. Works without lcms2; never throws.
std::string profile_name(Bytes icc);

/// From the profile's colours (c = 1 or 3) to sRGB (c = 3), in floats. Colours outside of sRGB leave [0, 1], so that srgb_to_profile
/// brings them back. Throws Error unless use_of_profile says `convert`.
Image profile_to_srgb(const Image& image, Bytes icc);
/// From sRGB (c = 3) to the profile's colours (c = `channels`).
Image srgb_to_profile(const Image& image, Bytes icc, int channels);

/// CMYK (c = 4; 255 is full ink, or none when `inverted`) to sRGB by a profile of inks; nothing without lcms2 or with another profile.
std::optional<ByteImage> inks_to_srgb(const ByteImage& cmyk, bool inverted, Bytes icc);

}  // namespace kintsugi
