#include "data/degrade.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "data/bytes.h"
#include "data/jpeg.h"
#include "data/resize.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

double draw(Range r, Philox& random) { return r.low + (r.high - r.low) * random.uniform(); }

uint64_t step_of(uint64_t epoch, uint64_t index) { return (epoch << 32) ^ index; }

void check(Range r, const char* what, double least, double most) {
  KIN_CHECK(r.low <= r.high && r.low >= least && r.high <= most, "degrade: ", what, " must be a range within [", least, ",",
            most, "], got [", r.low, ",", r.high, "]");
}

void check(const DegradeOptions& o) {
  constexpr double unlimited = 1e6;
  check(o.blur_sigma, "blur_sigma", 1e-3, unlimited);
  check(o.downsample, "downsample", 1, unlimited);
  check(o.noise, "noise", 0, 255);
  check(o.jpeg_quality, "jpeg_quality", 1, 100);
}

}  // namespace

Degradation draw_degradation(const DegradeOptions& options, Philox& random) {
  check(options);
  Degradation d;
  d.isotropic = random.uniform() < options.isotropic_probability;
  d.sigma_x = draw(options.blur_sigma, random);
  d.sigma_y = draw(options.blur_sigma, random);
  d.angle = draw({-std::numbers::pi, std::numbers::pi}, random);
  if (d.isotropic) d.sigma_y = d.sigma_x, d.angle = 0;
  d.downsample = draw(options.downsample, random);
  d.noise = draw(options.noise, random);
  d.jpeg_quality = int(draw(options.jpeg_quality, random));
  d.colours.shift = random.uniform() < options.colour_shift_probability;
  for (double& v : d.colour_shift) v = draw({-options.colour_shift / 255, options.colour_shift / 255}, random);
  d.colours.grey = random.uniform() < options.grey_probability;
  d.colours.jitter = random.uniform() < options.colour_jitter_probability;
  d.colour_jitter = ColourJitter::draw(random);
  return d;
}

Degradation draw_degradation(const DegradeOptions& options, DegradeSet set, uint64_t seed, uint64_t epoch, uint64_t index) {
  const uint64_t step = step_of(epoch, index);
  Philox random(seed, "degrade", step);
  const Degradation small = draw_degradation(options, random);
  if (set == DegradeSet::small) return small;
  Philox own(seed, "degrade/large", step);
  Degradation large = draw_degradation(options, own);
  large.colours = small.colours;
  return large;
}

uint64_t degrade_noise(DegradeSet set, uint64_t epoch, uint64_t index) {
  // As Philox itself makes a stream of a purpose and a step.
  return fnv1a64(set == DegradeSet::small ? "degrade/noise" : "degrade/large/noise") + step_of(epoch, index) * 0x9e3779b97f4a7c15u;
}

int shrunk_side(int side, double factor) { return std::max(1, int(std::lround((side - std::fmod(double(side), factor)) / factor))); }

Kernel blur_kernel(const Degradation& d, int kernel_size) {
  return d.isotropic ? gaussian_kernel(kernel_size, d.sigma_x)
                     : gaussian_kernel(kernel_size, d.sigma_x, d.sigma_y, d.angle);
}

void add_noise(Image& image, double sigma255, const Philox& noise) {
  const float sigma = float(sigma255 / 255);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = std::clamp(image.pixels[i] + sigma * noise.normal_at(i), 0.0f, 1.0f);
}

Image jpeg_round_trip(const Image& image, int quality) {
  return from_bytes(decode_jpeg(encode_jpeg(to_bytes(image), quality)));
}

void make_grey(Image& image) {
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    float* p = &image.pixels[i];
    p[0] = p[1] = p[2] = 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
  }
}

void change_colours(Image& image, const Degradation& d) {
  if (d.colours.shift)
    for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = std::clamp(image.pixels[i] + float(d.colour_shift[i % 3]), 0.0f, 1.0f);
  if (d.colours.grey) make_grey(image);
  if (d.colours.jitter) d.colour_jitter.apply(image);
}

Image degrade(const Image& image, const Degradation& d, int kernel_size, const Philox& noise) {
  KIN_CHECK(image.c == 3 && !image.empty(), "degrade: image must be RGB, got ", image.h, "x", image.w, "x", image.c);
  const int h = shrunk_side(image.h, d.downsample), w = shrunk_side(image.w, d.downsample);
  // Without antialiasing each row of the shrunken picture reads two of the blurred one: the others need not be there.
  std::vector<int> rows = linear_taps(image.h, h).index;
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  Image x = resize(filter2d(image, blur_kernel(d, kernel_size), rows), h, w, Filter::linear);
  add_noise(x, d.noise, noise);
  x = jpeg_round_trip(x, d.jpeg_quality);
  x = resize(x, image.h, image.w, Filter::linear);
  change_colours(x, d);
  round_to_bytes(x);
  return x;
}

Image degrade(const Image& image, const DegradeOptions& options, uint64_t seed, uint64_t epoch, uint64_t index, DegradeSet set) {
  return degrade(image, draw_degradation(options, set, seed, epoch, index), options.kernel_size,
                 Philox(seed, degrade_noise(set, epoch, index)));
}

}  // namespace kintsugi
