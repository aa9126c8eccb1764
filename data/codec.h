// What the decoders and encoders of image files share. `name` is only used in messages. A decoder gives the picture as it is stored:
// not upright, orientation unread. Each throws Error on damaged or cut data, and for a picture that check_image_size refuses.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/photo.h"

namespace kintsugi {

/// Refuses sizes that only a decompression bomb or a broken header has: empty ones and more than 200 million pixels.
void check_image_size(uint64_t width, uint64_t height, const std::string& name);

/// A whole file, or its first `at_most` bytes. Throws Error with the path and the system's reason; a folder is refused.
std::vector<uint8_t> read_bytes(const std::filesystem::path& path, size_t at_most = SIZE_MAX);
/// What a file that is no picture holds, for a message: "text", "an empty file", "a ZIP archive".
std::string describe_content(Bytes head);
/// The formats that this build reads, for a message: "PNG, JPEG, WebP, BMP, TGA or PNM".
std::string formats_read();

Photo decode_png(Bytes file, const std::string& name);
std::vector<uint8_t> encode_png(const Photo& photo, const PhotoWriteOptions& options = {}, std::vector<std::string>* lost = nullptr);
/// 8-bit grey (c = 1) or RGB.
std::vector<uint8_t> encode_png(const ByteImage& image);

Photo decode_jpeg_photo(Bytes file, const std::string& name);
/// Without the alpha plane, 8 bits per sample.
std::vector<uint8_t> encode_jpeg_photo(const Photo& photo, const PhotoWriteOptions& options, std::vector<std::string>* lost = nullptr);

/// Whether the build has libwebp. Without it the two below throw Error.
bool has_webp();
/// 8 bits per sample, RGB. An animation is refused.
Photo decode_webp(Bytes file, const std::string& name);
std::vector<uint8_t> encode_webp(const Photo& photo, const PhotoWriteOptions& options, std::vector<std::string>* lost = nullptr);

/// PGM and PPM of 8 or 16 bits; samples are scaled by the header's largest value.
Photo decode_pnm(Bytes file, const std::string& name);
/// Whether `head` holds a whole PGM or PPM header.
bool is_pnm(Bytes head);

/// BMP and TGA, by stb_image.
Photo decode_simple(Bytes file, const std::string& name);
/// "BMP" or "TGA" when stb_image would try this content (its first kilobytes are enough), else nullptr.
const char* simple_format(Bytes head);

}  // namespace kintsugi
