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

Range scaled(Range r, double factor) { return {r.low * factor, r.high * factor}; }

double draw(Range r, Philox& random) { return r.low + (r.high - r.low) * random.uniform(); }

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

int shrunk(int side, double factor) { return std::max(1, int(std::floor(side / factor))); }

}  // namespace

DegradeOptions DegradeOptions::stage2() { return {}; }

DegradeOptions DegradeOptions::stage3_small() {
  DegradeOptions o;
  o.blur_sigma = {0.1, 10};
  o.downsample = {1, 12};
  o.noise = {0, 15};
  o.jpeg_quality = {60, 100};
  return o;
}

DegradeOptions DegradeOptions::colorization() {
  DegradeOptions o;
  o.colour_shift_probability = 0.3;
  o.grey_probability = 0.01;
  o.colour_jitter_probability = 0.3;
  return o;
}

DegradeOptions DegradeOptions::paper() {
  DegradeOptions o;
  o.downsample = {1, 30};
  o.jpeg_quality = {30, 90};
  return o;
}

DegradeOptions DegradeOptions::named(std::string_view name) {
  if (name == "stage2") return stage2();
  if (name == "stage3_small") return stage3_small();
  if (name == "stage3_large") return stage3_large();
  if (name == "colorization") return colorization();
  if (name == "paper") return paper();
  throw UsageError(text("degrade: preset must be stage2, stage3_small, stage3_large, colorization or paper, got '", name, "'"));
}

DegradeOptions DegradeOptions::for_size(int size) const {
  KIN_CHECK(size > 0, "degrade: size must be positive, got ", size);
  const double factor = size / 512.0;
  DegradeOptions o = *this;
  o.blur_sigma = scaled(blur_sigma, factor);
  o.downsample = scaled(downsample, factor);
  o.downsample = {std::max(1.0, o.downsample.low), std::max(1.0, o.downsample.high)};
  // The kernel keeps its extent in sigmas.
  o.kernel_size = std::max(3, int(std::lround(kernel_size * factor))) | 1;
  return o;
}

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
  const bool shift = random.uniform() < options.colour_shift_probability;
  for (double& v : d.colour_shift) {
    const double drawn = draw({-options.colour_shift / 255, options.colour_shift / 255}, random);
    v = shift ? drawn : 0;
  }
  d.grey = random.uniform() < options.grey_probability;
  const bool jitter = random.uniform() < options.colour_jitter_probability;
  const ColourJitter drawn = ColourJitter::draw(random);
  if (jitter) d.colour_jitter = drawn;
  return d;
}

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

Image degrade(const Image& image, const Degradation& d, int kernel_size, const Philox& noise) {
  KIN_CHECK(image.c == 3 && !image.empty(), "degrade: image must be RGB, got ", image.h, "x", image.w, "x", image.c);
  Image x = filter2d(image, blur_kernel(d, kernel_size));
  x = resize(x, shrunk(image.h, d.downsample), shrunk(image.w, d.downsample), Filter::linear);
  add_noise(x, d.noise, noise);
  x = jpeg_round_trip(x, d.jpeg_quality);
  x = resize(x, image.h, image.w, Filter::linear);
  for (size_t i = 0; i < x.pixels.size(); ++i)
    x.pixels[i] = std::clamp(x.pixels[i] + float(d.colour_shift[i % 3]), 0.0f, 1.0f);
  if (d.grey) make_grey(x);
  if (d.colour_jitter) d.colour_jitter->apply(x);
  round_to_bytes(x);
  return x;
}

Image degrade(const Image& image, const DegradeOptions& options, uint64_t seed, uint64_t epoch, uint64_t index) {
  const uint64_t step = (epoch << 32) ^ index;
  Philox random(seed, "degrade", step);
  const Degradation d = draw_degradation(options, random);
  return degrade(image, d, options.kernel_size, Philox(seed, "degrade/noise", step));
}

}  // namespace kintsugi
