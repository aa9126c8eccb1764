// Image files. What a file holds is decided by its content, never by its name.
#pragma once
#include <filesystem>

#include "data/codec.h"

namespace kintsugi {

/// Reads PNG (1 to 16 bits, palette, grey, alpha dropped), JPEG (grey, RGB, CMYK), BMP, TGA, PGM or PPM as RGB (c = 3).
/// Throws Error naming the file, what was expected and what was found: missing or unreadable path, a folder, an empty file,
/// other content, cut or damaged data, more than 200 million pixels.
Image read_image(const std::filesystem::path& path);

/// The same for bytes in memory; `name` stands in messages.
Image decode_image(Bytes file, const std::string& name);

/// "PNG", "JPEG", "BMP", "TGA", "PNM", or nullptr for anything else. The first 4 KiB are enough.
const char* image_format(Bytes head);
/// The same for a file; nullptr too when it cannot be read.
const char* image_format(const std::filesystem::path& path);

/// Writes 8-bit PNG (.png) or JPEG (.jpg, .jpeg; quality 1 to 100), grey for c = 1 and RGB for c = 3. The file appears whole
/// or not at all. Values are clamped to [0, 1]. Throws Error for another ending and when the folder or the disk refuses.
void write_image(const std::filesystem::path& path, const Image& image, int quality = 95);

}  // namespace kintsugi
