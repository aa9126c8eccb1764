// WebP by libwebp, where the build has it.
#include "data/codec.h"
#include "kernels/base/error.h"

#if KIN_WEBP
#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <cstring>
#include <memory>
#include <string_view>
#endif

namespace kintsugi {

#if KIN_WEBP
namespace {

using Mux = std::unique_ptr<WebPMux, void (*)(WebPMux*)>;

WebPData view(Bytes bytes) { return {bytes.data(), bytes.size()}; }
Bytes bytes_of(const std::string& s) { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }

Bytes chunk(const WebPMux* mux, const char* fourcc) {
  WebPData data{};
  return WebPMuxGetChunk(mux, fourcc, &data) == WEBP_MUX_OK ? Bytes(data.bytes, data.size) : Bytes{};
}

PhotoTags tags_of(Bytes file) {
  PhotoTags tags;
  const WebPData data = view(file);
  const Mux mux(WebPMuxCreate(&data, 0), WebPMuxDelete);
  if (!mux) return tags;  // the picture is good, what stands behind it is not
  const Bytes icc = chunk(mux.get(), "ICCP"), xmp = chunk(mux.get(), "XMP ");
  Bytes exif = chunk(mux.get(), "EXIF");
  constexpr std::string_view head{"Exif\0\0", 6};  // some programs put a JPEG's marker in whole
  if (exif.size() > head.size() && !std::memcmp(exif.data(), head.data(), head.size())) exif = exif.subspan(head.size());
  tags.icc.assign(icc.begin(), icc.end());
  tags.exif.assign(exif.begin(), exif.end());
  tags.xmp.assign(xmp.begin(), xmp.end());
  return tags;
}

struct Picture {
  WebPPicture picture;
  WebPMemoryWriter writer;
  Picture() {
    WebPMemoryWriterInit(&writer);
    KIN_CHECK(WebPPictureInit(&picture), "encode_webp: libwebp is of another version than its headers");
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
  }
  ~Picture() {
    WebPPictureFree(&picture);
    WebPMemoryWriterClear(&writer);
  }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
};

/// RGBA of 8 bits, opaque where there is no alpha plane.
std::vector<uint8_t> interleaved(const Samples& colour, const Samples& alpha) {
  std::vector<uint8_t> out(size_t(colour.h) * colour.w * 4);
  const int c = colour.c;
  for (size_t i = 0; i < out.size() / 4; ++i) {
    for (int k = 0; k < 3; ++k) out[4 * i + k] = colour.bytes[i * c + (c == 3 ? k : 0)];
    out[4 * i + 3] = alpha.empty() ? 255 : alpha.bytes[i];
  }
  return out;
}

std::string escaped(const std::string& plain) {
  std::string out;
  for (const char c : plain) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

/// WebP has no comment of its own, so the note stands in an XMP packet (dc:description) where the picture brings none.
std::string note_packet(const std::string& note) {
  return "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
         "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" "
         "xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">" +
         escaped(note) + "</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>";
}

}  // namespace

bool has_webp() { return true; }

Photo decode_webp(Bytes file, const std::string& name) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &features);
  KIN_CHECK(status == VP8_STATUS_OK, name, ": expected a WebP image, found ",
            status == VP8_STATUS_NOT_ENOUGH_DATA ? "one that is cut short" : "damaged data");
  KIN_CHECK(!features.has_animation, name, ": expected a picture, found an animated WebP");
  check_image_size(uint64_t(features.width), uint64_t(features.height), name);
  Samples all(features.height, features.width, features.has_alpha ? 4 : 3, 8);
  const auto decode = features.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  KIN_CHECK(decode(file.data(), file.size(), all.bytes.data(), all.bytes.size(), int(all.row_bytes())), name,
            ": the WebP image is cut short or damaged");
  Photo photo;
  photo.format = PhotoFormat::webp;
  photo.tags = tags_of(file);
  photo.tags.lossless = features.format == 2;
  if (features.has_alpha) {
    photo.alpha = channels_of(all, 3, 1);
    photo.colour = channels_of(all, 0, 3);
  } else {
    photo.colour = std::move(all);
  }
  return photo;
}

std::vector<uint8_t> encode_webp(const Photo& photo, const PhotoWriteOptions& options, std::vector<std::string>* lost) {
  KIN_CHECK(options.quality >= 1 && options.quality <= 100, "encode_webp: quality must be 1 to 100, got ", options.quality);
  const Samples& colour = photo.colour;
  WebPConfig config;
  KIN_CHECK(WebPConfigInit(&config), "encode_webp: libwebp is of another version than its headers");
  config.quality = float(options.quality);
  config.lossless = photo.tags.lossless;
  config.exact = 1;  // colours under full transparency are kept too
  Picture p;
  p.picture.width = colour.w;
  p.picture.height = colour.h;
  p.picture.use_argb = config.lossless;
  const auto pixels = interleaved(reduced_to_bytes(colour), reduced_to_bytes(photo.alpha));
  KIN_CHECK(WebPPictureImportRGBA(&p.picture, pixels.data(), colour.w * 4) && WebPEncode(&config, &p.picture), "encode_webp: ", colour.h, "x",
            colour.w, " picture: libwebp's error ", int(p.picture.error_code));
  const Mux mux(WebPMuxNew(), WebPMuxDelete);
  const WebPData image{p.writer.mem, p.writer.size};
  bool good = mux && WebPMuxSetImage(mux.get(), &image, 0) == WEBP_MUX_OK;
  const auto put = [&](const char* fourcc, Bytes bytes) {
    const WebPData data = view(bytes);
    if (!bytes.empty()) good = good && WebPMuxSetChunk(mux.get(), fourcc, &data, 1) == WEBP_MUX_OK;
  };
  put("ICCP", photo.tags.icc);
  put("EXIF", photo.tags.exif);
  put("XMP ", bytes_of(photo.tags.xmp));
  if (!options.note.empty()) {
    if (photo.tags.xmp.empty()) put("XMP ", bytes_of(note_packet(options.note)));
    else if (lost) lost->push_back("the note has no place in a WebP that carries XMP and was left out");
  }
  WebPData whole{};
  good = good && WebPMuxAssemble(mux.get(), &whole) == WEBP_MUX_OK;
  const std::unique_ptr<const uint8_t, void (*)(const uint8_t*)> owner(whole.bytes, [](const uint8_t* b) { WebPFree(const_cast<uint8_t*>(b)); });
  KIN_CHECK(good, "encode_webp: the file cannot be put together");
  return {whole.bytes, whole.bytes + whole.size};
}

#else

bool has_webp() { return false; }
Photo decode_webp(Bytes, const std::string& name) { fail(name, ": found WebP, which this build cannot read (built without libwebp)"); }
std::vector<uint8_t> encode_webp(const Photo&, const PhotoWriteOptions&, std::vector<std::string>*) {
  fail("WebP cannot be written: this build has no libwebp");
}

#endif

}  // namespace kintsugi
