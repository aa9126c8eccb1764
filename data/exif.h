// The one thing that is read from EXIF: which way up the picture is. All else in the block is opaque and is carried along.
// The block is a TIFF file (TIFF 6.0, section 2): "II" or "MM", 42, the offset of the first directory; a directory is a count,
// entries of 12 bytes, and the offset of the next one. Only the first directory is looked at, so no chain can loop.
#pragma once
#include <span>

#include "data/codec.h"

namespace kintsugi {

/// 1 to 8; 1 when the block has no orientation or is damaged. Never throws.
int exif_orientation(Bytes tiff);

/// Makes the block say "upright" in place. Unless it said so before, the preview picture (the second directory) is cut off as well:
/// it lies as the camera stored it and would now be shown sideways. A damaged block is left as it is.
void set_exif_upright(std::span<uint8_t> tiff);

/// The same for tiff:Orientation in an XMP packet, as attribute or element.
void set_xmp_upright(std::string& xmp);

}  // namespace kintsugi
