// PGM and PPM with binary samples (netpbm's "P5" and "P6"): 8 or 16 bits, any largest value, comments in the header.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>

#include "data/codec.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

struct PnmHeader {
  uint64_t width = 0, height = 0, largest = 0;
  int channels = 0;
  size_t bytes = 0;  // the samples begin here
};

// A number after whitespace and comments; nothing when there is none or it has more than nine digits.
std::optional<uint64_t> next_number(Bytes file, size_t& at) {
  while (at < file.size() && (std::isspace(file[at]) || file[at] == '#')) {
    const bool comment = file[at++] == '#';
    while (comment && at < file.size() && file[at] != '\n' && file[at] != '\r') ++at;
  }
  uint64_t value = 0;
  const size_t begin = at;
  for (; at < file.size() && std::isdigit(file[at]) && at - begin < 10; ++at) value = value * 10 + uint64_t(file[at] - '0');
  if (at == begin || at - begin > 9) return std::nullopt;
  return value;
}

std::optional<PnmHeader> read_header(Bytes file) {
  if (file.size() < 3 || file[0] != 'P' || (file[1] != '5' && file[1] != '6') || !(std::isspace(file[2]) || file[2] == '#'))
    return std::nullopt;
  PnmHeader h;
  h.channels = file[1] == '6' ? 3 : 1;
  size_t at = 2;
  for (uint64_t* number : {&h.width, &h.height, &h.largest}) {
    const auto value = next_number(file, at);
    if (!value) return std::nullopt;
    *number = *value;
  }
  if (h.largest < 1 || h.largest > 65535 || at >= file.size() || !std::isspace(file[at])) return std::nullopt;
  h.bytes = at + 1;
  return h;
}

}  // namespace

bool is_pnm(Bytes head) { return read_header(head).has_value(); }

Photo decode_pnm(Bytes file, const std::string& name) {
  const auto h = read_header(file);
  KIN_CHECK(h, name, ": expected a PGM or PPM image, found other content");
  check_image_size(h->width, h->height, name);
  const size_t wide = h->largest > 255 ? 2 : 1, samples = size_t(h->width * h->height) * size_t(h->channels);
  const Bytes data = file.subspan(h->bytes);
  KIN_CHECK(data.size() / wide >= samples, name, ": the PNM image is cut short: ", h->width, "x", h->height,
            " pixels need more than ", file.size(), " bytes");
  Photo photo;
  photo.format = PhotoFormat::pnm;
  photo.stored_as = h->channels == 1 ? ColourType::grey : ColourType::rgb;
  const bool plain = h->largest == 255;  // any other scale is kept apart best in 16 bits
  photo.colour = Samples(int(h->height), int(h->width), h->channels, plain ? 8 : 16);
  if (plain) {
    std::memcpy(photo.colour.bytes.data(), data.data(), samples);
    return photo;
  }
  for (size_t i = 0; i < samples; ++i) {
    const uint64_t sample = wide == 2 ? uint64_t(data[2 * i]) << 8 | data[2 * i + 1] : data[i];
    const uint16_t scaled = uint16_t((std::min(sample, h->largest) * 65535 + h->largest / 2) / h->largest);
    std::memcpy(photo.colour.bytes.data() + 2 * i, &scaled, 2);
  }
  return photo;
}

}  // namespace kintsugi
