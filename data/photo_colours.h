// A photograph's colours as the networks know them, and back: sRGB, three channels, floats.
#pragma once
#include "data/photo.h"

namespace kintsugi {

/// [h, w, 3] in [0, 1]; a grey picture gives three equal channels. Colours are converted from the embedded profile where that is not sRGB
/// and the build has lcms2; what sRGB cannot show is clamped. When the profile could not be used, `notes` gets a line that says so.
Image srgb_of(const Photo& photo, std::vector<std::string>& notes);

/// Whether there are no colours: stored as grey, or three equal channels everywhere.
bool is_grey(const Photo& photo);

/// Replaces the colours `before`, which srgb_of gave, by `after` (both c = 3 and of the photograph's size): converted to the embedded
/// profile and quantised at the photograph's depth. Pixels that are the same in both keep their stored bits; alpha and tags stay. With
/// `keep_grey` a grey photograph stays one, by the picture's luminance (ITU-R BT.601). Without, a photograph stored as grey becomes RGB
/// and loses its profile of greys.
void set_srgb(Photo& photo, const Image& before, const Image& after, bool keep_grey);

}  // namespace kintsugi
