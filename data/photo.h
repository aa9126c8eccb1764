// A photograph and everything that must survive its restoration. docs/photos.md is the contract.
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/samples.h"

namespace kintsugi {

enum class PhotoFormat { png, jpeg, webp, bmp, tga, pnm };
/// How the file stores colours.
enum class ColourType { grey, rgb, palette, cmyk };

/// Pixels per unit; x = y = 0 when the file does not say.
struct Density {
  enum Unit { aspect_only, per_inch, per_cm, per_metre };
  double x = 0, y = 0;
  Unit unit = aspect_only;
};

/// PNG's own words about colours (gAMA, cHRM, sRGB), in libpng's fixed point; they mean something only in a PNG.
struct PngColour {
  std::optional<int32_t> gamma, srgb_intent;
  std::optional<std::array<int32_t, 8>> chromaticities;
};

/// Carried as it came, byte for byte, but for what says which way up the picture is.
struct PhotoTags {
  std::vector<uint8_t> icc;   // colour profile
  std::vector<uint8_t> exif;  // the TIFF block, without the "Exif\0\0" that JPEG puts before it
  std::string xmp;            // the packet
  Density density;
  PngColour png_colour;
  int chroma_h = 2, chroma_v = 2;  // a JPEG's luma samples per chroma sample: 2, 2 is 4:2:0
  bool lossless = false;           // a WebP's coding
};

struct Photo {
  Samples colour;  // c = 1 (grey) or 3 (RGB), upright
  Samples alpha;   // c = 1, the colours' size and depth, upright; empty when the file has none
  PhotoFormat format = PhotoFormat::png;
  ColourType stored_as = ColourType::rgb;
  int orientation = 1;  // what the file said; the samples are upright already
  PhotoTags tags;
  std::vector<std::string> notes;  // what reading had to change, for the person
};

/// Reads PNG (1 to 16 bits, palette, grey, alpha), JPEG (grey, RGB, CMYK), BMP, TGA, PGM, PPM and, where the build has libwebp, WebP;
/// what a file holds is decided by its content. Grey of 1, 2 or 4 bits becomes 8, a palette becomes RGB, a transparent colour becomes
/// alpha. CMYK becomes RGB: by the embedded profile where the build has lcms2, else by R = (1 - C)(1 - K); that profile is not kept.
/// Throws Error naming the file, what was expected and what was found: missing or unreadable path, a folder, an empty file, other
/// content, an animation, cut or damaged data, more than 200 million pixels.
Photo read_photo(const std::filesystem::path& path);
/// The same for bytes in memory; `name` stands in messages.
Photo decode_photo(Bytes file, const std::string& name);

struct PhotoWriteOptions {
  int quality = 95;      // JPEG and WebP that is not lossless, 1 to 100
  std::string note;      // a remark for whoever meets the file later; empty: none
  std::string software;  // written beside the note
};

/// What a file holds, by its first 4 KiB; nothing when it is no picture that this build reads.
std::optional<PhotoFormat> photo_format(Bytes head);
/// The same for a file; nothing too when it cannot be read.
std::optional<PhotoFormat> photo_format(const std::filesystem::path& path);

/// The format a file name asks for: .png, .jpg, .jpeg, .webp, in any case. Throws Error for another ending.
PhotoFormat format_of_name(const std::filesystem::path& path);
/// "PNG", "JPEG", ...
const char* name_of(PhotoFormat format);
/// The ending that results of this format get, with its dot. BMP, TGA and PNM are written as PNG.
const char* ending_of(PhotoFormat format);
bool can_write(PhotoFormat format);

/// Throws Error when the format cannot hold what must survive: alpha in a JPEG (an alpha plane that is opaque everywhere can go), a WebP
/// past 16383 pixels or in a build without libwebp. Restoring takes long, so ask before.
void check_fits(const Photo& photo, PhotoFormat format);

/// The file's bytes; `lost` gets one line for each thing that the format could not hold. Throws as check_fits does.
std::vector<uint8_t> encode_photo(const Photo& photo, PhotoFormat format, const PhotoWriteOptions& options, std::vector<std::string>& lost);

/// Writes the format that the name asks for, whole or not at all. Returns what the format could not hold. Throws Error as check_fits and
/// format_of_name do and when the folder or the disk refuses.
std::vector<std::string> write_photo(const std::filesystem::path& path, const Photo& photo, const PhotoWriteOptions& options = {});

}  // namespace kintsugi
