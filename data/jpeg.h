// JPEG in memory, as libjpeg-turbo does it by default (4:2:0 chroma, accurate integer DCT, smooth chroma upsampling).
// With the same libjpeg-turbo the bytes equal those of OpenCV's imencode(".jpg", image, quality), so that the JPEG step of
// the published degradations is matched exactly.
#pragma once
#include <string>
#include <vector>

#include "data/codec.h"

namespace kintsugi {

/// quality in [1, 100]. The picture is RGB (c = 3) or grey (c = 1).
std::vector<uint8_t> encode_jpeg(const ByteImage& image, int quality);

/// Grey, YCbCr, CMYK and YCCK become RGB. `name` is used in messages. Throws Error on damaged or cut data: libjpeg would
/// fill the missing part with grey, and a network would learn from it.
ByteImage decode_jpeg(Bytes file, const std::string& name = "JPEG data");

}  // namespace kintsugi
