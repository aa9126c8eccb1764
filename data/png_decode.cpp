#include <algorithm>
#include <array>

#include "data/codec.h"
#include "data/png_session.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

struct Source {
  Bytes left;
};

void read_some(png_structp png, png_bytep out, size_t n) {
  Bytes& left = static_cast<Source*>(png_get_io_ptr(png))->left;
  if (left.size() < n) png_error(png, "the data end too early");
  std::memcpy(out, left.data(), n);
  left = left.subspan(n);
}

struct Header {
  uint32_t width, height;
  int colour_type, depth;
  size_t stored_row_bytes;  // before any conversion
};

// Chunks that nobody asks for are not unpacked: a thousand compressed texts of 8 MB each would fit into a small file.
constexpr png_byte kIgnoredChunks[] = "tEXt\0zTXt\0sPLT\0hIST\0pCAL\0sCAL\0tIME";
constexpr int kIgnoredCount = int(sizeof kIgnoredChunks / 5);
constexpr int kMostTexts = 16;  // XMP is one of them

bool read_header(PngSession& s, Source& source, Header& header) {
  if (setjmp(png_jmpbuf(s.png))) return false;
  png_set_read_fn(s.png, &source, read_some);
  png_set_keep_unknown_chunks(s.png, PNG_HANDLE_CHUNK_NEVER, kIgnoredChunks, kIgnoredCount);
  png_set_chunk_cache_max(s.png, kMostTexts);
  png_read_info(s.png, s.info);
  header = {png_get_image_width(s.png, s.info), png_get_image_height(s.png, s.info), png_get_color_type(s.png, s.info),
            png_get_bit_depth(s.png, s.info), png_get_rowbytes(s.png, s.info)};
  return true;
}

/// Asks for whole samples of 8 or 16 bits: grey or RGB, with alpha where the file has alpha or a transparent colour.
bool set_conversions(PngSession& s, const Header& header, int& channels) {
  if (setjmp(png_jmpbuf(s.png))) return false;
  if (header.colour_type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(s.png);
  if (header.colour_type == PNG_COLOR_TYPE_GRAY && header.depth < 8) png_set_expand_gray_1_2_4_to_8(s.png);
  if (png_get_valid(s.png, s.info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(s.png);
  swap_wide_samples(s.png, header.depth);
  png_set_interlace_handling(s.png);
  png_read_update_info(s.png, s.info);
  channels = png_get_channels(s.png, s.info);
  return true;
}

bool read_rows(PngSession& s, uint8_t** rows) {
  if (setjmp(png_jmpbuf(s.png))) return false;
  png_read_image(s.png, rows);
  png_read_end(s.png, s.info);  // the end marker and the checksums before it: a cut file must not pass
  return true;
}

struct TagPointers {  // into libpng's memory
  png_bytep icc = nullptr, exif = nullptr;
  png_uint_32 icc_bytes = 0, exif_bytes = 0;
  png_textp texts = nullptr;
  int text_count = 0;
  png_uint_32 x = 0, y = 0;
  int unit = 0, srgb_intent = 0;
  png_fixed_point gamma = 0, chroma[8] = {};
  bool has_density = false, has_srgb = false, has_gamma = false, has_chroma = false;
};

bool find_tags(PngSession& s, TagPointers& t) {
  if (setjmp(png_jmpbuf(s.png))) return false;
  png_charp name = nullptr;
  int compression = 0;
  png_get_iCCP(s.png, s.info, &name, &compression, &t.icc, &t.icc_bytes);
  png_get_eXIf_1(s.png, s.info, &t.exif_bytes, &t.exif);
  png_get_text(s.png, s.info, &t.texts, &t.text_count);
  t.has_density = png_get_pHYs(s.png, s.info, &t.x, &t.y, &t.unit);
  t.has_srgb = png_get_sRGB(s.png, s.info, &t.srgb_intent);
  t.has_gamma = png_get_gAMA_fixed(s.png, s.info, &t.gamma);
  png_fixed_point* c = t.chroma;
  t.has_chroma = png_get_cHRM_fixed(s.png, s.info, c, c + 1, c + 2, c + 3, c + 4, c + 5, c + 6, c + 7);
  return true;
}

PhotoTags copy_tags(const TagPointers& t) {
  PhotoTags tags;
  if (t.icc) tags.icc.assign(t.icc, t.icc + t.icc_bytes);
  if (t.exif) tags.exif.assign(t.exif, t.exif + t.exif_bytes);
  for (int i = 0; i < t.text_count && tags.xmp.empty(); ++i)
    if (!std::strcmp(t.texts[i].key, kXmpKeyword) && t.texts[i].text) tags.xmp = t.texts[i].text;
  if (t.has_density) tags.density = {double(t.x), double(t.y), t.unit == PNG_RESOLUTION_METER ? Density::per_metre : Density::aspect_only};
  // libpng makes gAMA and cHRM up from a profile or an sRGB chunk; what was made up is not carried.
  if (t.has_srgb) tags.png_colour.srgb_intent = t.srgb_intent;
  if (!t.icc && !t.has_srgb) {
    if (t.has_gamma) tags.png_colour.gamma = t.gamma;
    if (t.has_chroma) std::copy_n(t.chroma, 8, tags.png_colour.chromaticities.emplace().begin());
  }
  return tags;
}

}  // namespace

Photo decode_png(Bytes file, const std::string& name) {
  PngSession session(true);
  KIN_CHECK(session.ready(), name, ": libpng cannot start (", session.message, ")");
  Source source{file};
  Header header{};
  KIN_CHECK(read_header(session, source, header), name, ": expected a PNG image, found damaged data (", session.message, ")");
  check_image_size(header.width, header.height, name);
  // Deflate shrinks by at most 1032:1, so a header that promises more than that is refused before memory is asked for.
  KIN_CHECK(header.stored_row_bytes * header.height / 1032 <= file.size(), name, ": the PNG image is cut short: ",
            header.width, "x", header.height, " pixels cannot come from ", file.size(), " bytes");
  int channels = 0;
  KIN_CHECK(set_conversions(session, header, channels), name, ": ", session.message);
  Samples all(int(header.height), int(header.width), channels, header.depth == 16 ? 16 : 8);
  KIN_CHECK(channels >= 1 && channels <= 4 && png_get_rowbytes(session.png, session.info) == all.row_bytes(), name,
            ": unexpected PNG row of ", png_get_rowbytes(session.png, session.info), " bytes");
  std::vector<uint8_t*> rows(header.height);
  for (uint32_t y = 0; y < header.height; ++y) rows[y] = all.bytes.data() + y * all.row_bytes();
  KIN_CHECK(read_rows(session, rows.data()), name, ": the PNG image is cut short or damaged (", session.message, ")");
  TagPointers tags;
  KIN_CHECK(find_tags(session, tags), name, ": ", session.message);

  Photo photo;
  photo.stored_as = header.colour_type == PNG_COLOR_TYPE_PALETTE      ? ColourType::palette
                    : (header.colour_type & PNG_COLOR_MASK_COLOR) ? ColourType::rgb
                                                                  : ColourType::grey;
  photo.tags = copy_tags(tags);
  if (channels % 2) {
    photo.colour = std::move(all);
  } else {
    photo.alpha = channels_of(all, channels - 1, 1);
    photo.colour = channels_of(all, 0, channels - 1);
  }
  return photo;
}

}  // namespace kintsugi
