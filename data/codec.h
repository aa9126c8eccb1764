// What the decoders of image files share. `name` is only used in messages.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/bytes.h"
#include "data/image.h"

namespace kintsugi {

using Bytes = std::span<const uint8_t>;

/// Refuses sizes that only a decompression bomb or a broken header has: empty ones and more than 200 million pixels.
void check_image_size(uint64_t width, uint64_t height, const std::string& name);

/// Grey, palette, 1 to 16 bits, interlaced: all become RGB floats; alpha is dropped. Throws Error on damaged or cut data.
Image decode_png(Bytes file, const std::string& name);
/// 8-bit grey (c = 1) or RGB (c = 3).
std::vector<uint8_t> encode_png(const ByteImage& image);

/// PGM and PPM of 8 or 16 bits; samples are divided by the header's largest value. Throws Error on damaged or cut data.
Image decode_pnm(Bytes file, const std::string& name);
/// Whether `head` holds a whole PGM or PPM header.
bool is_pnm(Bytes head);

/// BMP and TGA, by stb_image. Throws Error on damaged or cut data.
Image decode_simple(Bytes file, const std::string& name);
/// "BMP" or "TGA" when stb_image would try this content (its first kilobytes are enough), else nullptr.
const char* simple_format(Bytes head);

}  // namespace kintsugi
