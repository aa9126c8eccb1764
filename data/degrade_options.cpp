#include <algorithm>
#include <cmath>

#include "data/degrade.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

Range scaled(Range r, double factor) { return {r.low * factor, r.high * factor}; }

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

}  // namespace kintsugi
