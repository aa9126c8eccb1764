#include "data/colour_profile.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/base/error.h"

#if KIN_LCMS2
#include <lcms2.h>
#endif

namespace kintsugi {
namespace {

uint32_t number(Bytes icc, size_t at) {
  return uint32_t(icc[at]) << 24 | uint32_t(icc[at + 1]) << 16 | uint32_t(icc[at + 2]) << 8 | icc[at + 3];
}
bool signature_is(Bytes icc, size_t at, const char* four) { return std::memcmp(icc.data() + at, four, 4) == 0; }

constexpr size_t kHeaderBytes = 128, kTagBytes = 12;
constexpr size_t kLongestName = 100;

/// The content of the 'desc' tag (ICC.1:2010, 7.3 and 9.2.41), or nothing.
Bytes description_of(Bytes icc) {
  if (icc.size() < kHeaderBytes + 4) return {};
  const size_t tags = std::min<size_t>(number(icc, kHeaderBytes), (icc.size() - kHeaderBytes - 4) / kTagBytes);
  for (size_t i = 0; i < tags; ++i) {
    const size_t tag = kHeaderBytes + 4 + i * kTagBytes;
    if (!signature_is(icc, tag, "desc")) continue;
    const size_t at = number(icc, tag + 4), size = number(icc, tag + 8);
    return at <= icc.size() && size <= icc.size() - at ? icc.subspan(at, size) : Bytes{};
  }
  return {};
}

}  // namespace

std::string profile_name(Bytes icc) {
  const Bytes desc = description_of(icc);
  std::string name;
  const auto add = [&name](Bytes letters, size_t step) {
    for (size_t i = step - 1; i < letters.size() && letters[i] && name.size() < kLongestName; i += step)
      name += letters[i] >= 32 && letters[i] < 127 ? char(letters[i]) : '?';
  };
  if (desc.size() >= 12 && signature_is(desc, 0, "desc")) {  // version 2: length, then ASCII
    add(desc.subspan(12).first(std::min<size_t>(number(desc, 8), desc.size() - 12)), 1);
  } else if (desc.size() >= 28 && signature_is(desc, 0, "mluc")) {  // version 4: the first record, UTF-16 with the upper byte first
    const size_t length = number(desc, 20), at = number(desc, 24);
    if (at <= desc.size()) add(desc.subspan(at).first(std::min(length, desc.size() - at)), 2);
  }
  return name;
}

#if KIN_LCMS2
namespace {

struct Profile {
  cmsHPROFILE handle;
  explicit Profile(cmsHPROFILE h) : handle(h) {}
  ~Profile() {
    if (handle) cmsCloseProfile(handle);
  }
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;
};

Profile open_profile(Bytes icc) { return Profile(icc.empty() ? nullptr : cmsOpenProfileFromMem(icc.data(), cmsUInt32Number(icc.size()))); }

struct Transform {
  cmsHTRANSFORM handle = nullptr;
  /// Empty when lcms2 finds no way from the one profile to the other.
  Transform(const Profile& from, cmsUInt32Number from_type, const Profile& to, cmsUInt32Number to_type, cmsUInt32Number flags = 0)
      : handle(cmsCreateTransform(from.handle, from_type, to.handle, to_type, INTENT_RELATIVE_COLORIMETRIC, flags | cmsFLAGS_NOCACHE)) {}
  ~Transform() {
    if (handle) cmsDeleteTransform(handle);
  }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;
};

constexpr cmsUInt32Number float_type(int channels) { return channels == 1 ? TYPE_GRAY_FLT : TYPE_RGB_FLT; }

bool fits(const Profile& profile, int channels) {
  return profile.handle && cmsGetColorSpace(profile.handle) == (channels == 1 ? cmsSigGrayData : cmsSigRgbData);
}

template <class Pixels>
void run(const Transform& transform, const Pixels& from, Pixels& to) {
  for (int y = 0; y < from.h; ++y)  // row by row: lcms2 counts pixels in 32 bits
    cmsDoTransform(transform.handle, from.pixels.data() + size_t(y) * from.w * from.c, to.pixels.data() + size_t(y) * to.w * to.c,
                   cmsUInt32Number(from.w));
}

/// All mixtures of `steps` levels per channel, as one row.
Image grid(int channels, int steps) {
  int count = 1;
  for (int c = 0; c < channels; ++c) count *= steps;
  Image image(1, count, channels);
  for (int i = 0, rest = 0; i < count; ++i)
    for (int c = (rest = i, 0); c < channels; ++c, rest /= steps) image.at(0, i)[c] = float(rest % steps) / float(steps - 1);
  return image;
}

}  // namespace

bool has_colour_conversion() { return true; }

ProfileUse use_of_profile(Bytes icc, int channels) {
  if (icc.empty()) return ProfileUse::none_needed;
  const Profile profile = open_profile(icc), srgb(cmsCreate_sRGBProfile());
  if (!fits(profile, channels)) return ProfileUse::unusable;
  const Transform there(profile, float_type(channels), srgb, TYPE_RGB_FLT), back(srgb, TYPE_RGB_FLT, profile, float_type(channels));
  if (!there.handle || !back.handle) return ProfileUse::unusable;  // some profiles only describe a scanner and lead nowhere
  const Image device = grid(channels, channels == 1 ? 33 : 7);
  Image seen(1, device.w, 3);
  run(there, device, seen);
  constexpr float kLevel = 1.0f / 255;  // the rounded primaries of the usual sRGB profiles make half of one
  for (int i = 0; i < device.w; ++i)
    for (int c = 0; c < 3; ++c)
      if (!(std::abs(seen.at(0, i)[c] - device.at(0, i)[channels == 1 ? 0 : c]) <= kLevel)) return ProfileUse::convert;
  return ProfileUse::none_needed;
}

Image profile_to_srgb(const Image& image, Bytes icc) {
  const Profile profile = open_profile(icc), srgb(cmsCreate_sRGBProfile());
  KIN_CHECK(fits(profile, image.c), "profile_to_srgb: icc must be a profile of ", image.c, " channels, got '", profile_name(icc), "'");
  const Transform transform(profile, float_type(image.c), srgb, TYPE_RGB_FLT);
  KIN_CHECK(transform.handle, "profile_to_srgb: the profile '", profile_name(icc), "' does not lead to sRGB");
  Image out(image.h, image.w, 3);
  run(transform, image, out);
  return out;
}

Image srgb_to_profile(const Image& image, Bytes icc, int channels) {
  KIN_CHECK(image.c == 3, "srgb_to_profile: image must have 3 channels, got ", image.c);
  const Profile profile = open_profile(icc), srgb(cmsCreate_sRGBProfile());
  KIN_CHECK(fits(profile, channels), "srgb_to_profile: icc must be a profile of ", channels, " channels, got '", profile_name(icc), "'");
  const Transform transform(srgb, TYPE_RGB_FLT, profile, float_type(channels));
  KIN_CHECK(transform.handle, "srgb_to_profile: no way from sRGB to the profile '", profile_name(icc), "'");
  Image out(image.h, image.w, channels);
  run(transform, image, out);
  return out;
}

std::optional<ByteImage> inks_to_srgb(const ByteImage& cmyk, bool inverted, Bytes icc) {
  KIN_CHECK(cmyk.c == 4, "inks_to_srgb: cmyk must have 4 channels, got ", cmyk.c);
  const Profile profile = open_profile(icc), srgb(cmsCreate_sRGBProfile());
  if (!profile.handle || cmsGetColorSpace(profile.handle) != cmsSigCmykData) return std::nullopt;
  const Transform transform(profile, inverted ? TYPE_CMYK_8_REV : TYPE_CMYK_8, srgb, TYPE_RGB_8, cmsFLAGS_BLACKPOINTCOMPENSATION);
  if (!transform.handle) return std::nullopt;
  ByteImage out{cmyk.h, cmyk.w, 3, std::vector<uint8_t>(size_t(cmyk.h) * cmyk.w * 3)};
  run(transform, cmyk, out);
  return out;
}

#else

bool has_colour_conversion() { return false; }

ProfileUse use_of_profile(Bytes icc, int) {
  return icc.empty() || profile_name(icc).find("sRGB") != std::string::npos ? ProfileUse::none_needed : ProfileUse::unusable;
}

Image profile_to_srgb(const Image&, Bytes) { fail("profile_to_srgb: this build has no lcms2"); }
Image srgb_to_profile(const Image&, Bytes, int) { fail("srgb_to_profile: this build has no lcms2"); }
std::optional<ByteImage> inks_to_srgb(const ByteImage&, bool, Bytes) { return std::nullopt; }

#endif

}  // namespace kintsugi
