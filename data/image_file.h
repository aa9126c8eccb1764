// Image files as plain RGB pictures, for training and for sheets. A photograph that must come out as it went in is read by data/photo.h.
#pragma once
#include <filesystem>

#include "data/codec.h"

namespace kintsugi {

/// Reads what read_photo reads, upright, as RGB (c = 3); alpha and metadata are dropped, profiles are not looked at. Throws as read_photo.
Image read_image(const std::filesystem::path& path);

/// The same for bytes in memory; `name` stands in messages.
Image decode_image(Bytes file, const std::string& name);

/// What a file holds: "PNG", "JPEG", "WebP", "BMP", "TGA", "PNM", or nullptr for anything else and when it cannot be read.
const char* image_format(const std::filesystem::path& path);

/// Whether its name ends as pictures' names do (.png, .jpg, .tif, ...), in any case, whatever it holds.
bool called_picture(const std::filesystem::path& path);

/// Writes 8-bit PNG (.png) or JPEG (.jpg, .jpeg; quality 1 to 100) or, where the build has libwebp, WebP (.webp); grey for c = 1 and RGB
/// for c = 3. The file appears whole or not at all. Values are clamped to [0, 1]. Throws Error for another ending and when the folder or
/// the disk refuses.
void write_image(const std::filesystem::path& path, const Image& image, int quality = 95);

}  // namespace kintsugi
