#include "data/photo_colours.h"

#include <algorithm>
#include <cstring>

#include "data/colour_profile.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

Image three_channels(const Image& grey) {
  Image out(grey.h, grey.w, 3);
  for (size_t i = 0; i < grey.pixels.size(); ++i) std::fill_n(out.pixels.begin() + std::ptrdiff_t(3 * i), 3, grey.pixels[i]);
  return out;
}

Image one_channel(const Image& rgb) {
  Image out(rgb.h, rgb.w, 1);
  for (size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = rgb.pixels[3 * i];
  return out;
}

/// Equal channels stay exactly what they are.
Image luminance(const Image& rgb) {
  Image out(rgb.h, rgb.w, 1);
  for (size_t i = 0; i < out.pixels.size(); ++i) {
    const float *p = rgb.pixels.data() + 3 * i, r = p[0], g = p[1], b = p[2];
    out.pixels[i] = g + 0.299f * (r - g) + 0.114f * (b - g);
  }
  return out;
}

void clamp(Image& image) {
  for (float& v : image.pixels) v = v > 0 ? std::min(v, 1.0f) : 0.0f;  // NaN gives 0
}

/// A conversion there and back may be off by a level, which must not show where nothing was done.
void keep_untouched(Samples& now, const Samples& old, const Image& before, const Image& after) {
  const size_t pixel = old.pixel_bytes();
  for (size_t i = 0; i < before.pixels.size() / 3; ++i)
    if (std::equal(before.pixels.begin() + std::ptrdiff_t(3 * i), before.pixels.begin() + std::ptrdiff_t(3 * i + 3),
                   after.pixels.begin() + std::ptrdiff_t(3 * i)))
      std::memcpy(now.bytes.data() + i * pixel, old.bytes.data() + i * pixel, pixel);
}

}  // namespace

Image srgb_of(const Photo& photo, std::vector<std::string>& notes) {
  const Bytes icc = photo.tags.icc;
  const Image stored = to_floats(photo.colour);
  const ProfileUse use = use_of_profile(icc, stored.c);
  if (use == ProfileUse::convert) {
    Image image = profile_to_srgb(stored, icc);
    clamp(image);
    return image;
  }
  if (use == ProfileUse::unusable)
    notes.push_back(text("the colour profile '", profile_name(icc), "' was kept but not applied (",
                         has_colour_conversion() ? "damaged, or not one of these colours" : "built without lcms2", ")"));
  return stored.c == 3 ? stored : three_channels(stored);
}

bool is_grey(const Photo& photo) {
  const Samples& s = photo.colour;
  if (s.c == 1) return true;
  const size_t sample = size_t(s.depth / 8);
  for (size_t at = 0; at < s.bytes.size(); at += 3 * sample) {
    const uint8_t* p = s.bytes.data() + at;
    if (std::memcmp(p, p + sample, sample) || std::memcmp(p, p + 2 * sample, sample)) return false;
  }
  return true;
}

void set_srgb(Photo& photo, const Image& before, const Image& after, bool keep_grey) {
  for (const Image* image : {&before, &after})
    KIN_CHECK(image->c == 3 && image->h == photo.colour.h && image->w == photo.colour.w, "set_srgb: ", image == &before ? "before" : "after",
              " must be [", photo.colour.h, ",", photo.colour.w, ",3], got [", image->h, ",", image->w, ",", image->c, "]");
  const bool grey = keep_grey && is_grey(photo);
  const Samples old = std::move(photo.colour);
  if (!grey && old.c == 1) {
    photo.stored_as = ColourType::rgb;
    photo.tags.icc.clear();
    photo.tags.png_colour = {};
  }
  const int channels = grey ? old.c : 3;
  Image result = grey ? three_channels(luminance(after)) : after;
  if (use_of_profile(photo.tags.icc, channels) == ProfileUse::convert) result = srgb_to_profile(result, photo.tags.icc, channels);
  else if (channels == 1) result = one_channel(result);
  photo.colour = quantised(result, old.depth);
  if (channels == old.c) keep_untouched(photo.colour, old, before, after);
}

}  // namespace kintsugi
