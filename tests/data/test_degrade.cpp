#include "data/degrade.h"

#include <doctest/doctest.h>

#include <numeric>

#include "data/bytes.h"
#include "data/jpeg.h"
#include "data/resize.h"
#include "kernels/base/error.h"
#include "kernels/base/simd.h"
#include "tests/data/golden_image.h"

using namespace kintsugi;

namespace {

Kernel golden_kernel(const SafetensorsFile& file, const std::string& name) {
  const Tensor t = file.read(name);
  const auto v = t.span<double>();
  return {int(t.dim(0)), {v.begin(), v.end()}, {}};
}

struct NamedKernel {
  const char* name;
  Kernel kernel;
};
std::vector<NamedKernel> five_kernels() {
  return {{"iso_1", gaussian_kernel(41, 1)},
          {"iso_7.3", gaussian_kernel(41, 7.3)},
          {"iso_0.1", gaussian_kernel(41, 0.1)},
          {"aniso_2_9_0.7", gaussian_kernel(41, 2, 9, 0.7)},
          {"aniso_14_1.5_-2.2", gaussian_kernel(41, 14, 1.5, -2.2)}};
}

Image pattern(int h, int w) {
  Image image(h, w);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x)
      for (int c = 0; c < 3; ++c) image.at(y, x)[c] = float((x * 7 + y * 13 + c * 29 + x * y) % 64) / 63;
  return image;
}

/// filter2d as its definition reads.
Image filter2d_plain(const Image& in, const Kernel& k) {
  const auto mirror = [](int i, int n) {
    while (n > 1 && (i < 0 || i >= n)) i = i < 0 ? -i : 2 * (n - 1) - i;
    return n > 1 ? i : 0;
  };
  Image out(in.h, in.w, in.c);
  const int r = k.size / 2;
  for (int y = 0; y < in.h; ++y)
    for (int x = 0; x < in.w; ++x)
      for (int c = 0; c < in.c; ++c) {
        double sum = 0;
        for (int i = 0; i < k.size; ++i)
          for (int j = 0; j < k.size; ++j)
            sum += k.weights[size_t(i) * k.size + j] * in.at(mirror(y + i - r, in.h), mirror(x + j - r, in.w))[c];
        out.at(y, x)[c] = float(sum);
      }
  return out;
}

}  // namespace

TEST_CASE("degrade: blur kernels equal the published ones") {
  const auto golden = open_golden("data_degrade.safetensors");
  if (!golden) return;
  for (const auto& [name, kernel] : five_kernels()) {
    const Kernel expected = golden_kernel(*golden, text("kernel/", name));
    INFO(name);
    double worst = 0;
    for (size_t i = 0; i < kernel.weights.size(); ++i) worst = std::max(worst, std::abs(kernel.weights[i] - expected.weights[i]));
    CHECK(worst <= 1e-12);
  }
}

TEST_CASE("degrade: filter2d equals OpenCV") {
  const auto golden = open_golden("data_degrade.safetensors");
  if (!golden) return;
  const Image image = golden_bgr(*golden, "image_bgr");
  for (const auto& [name, kernel] : five_kernels()) {
    INFO(name);
    CHECK(distance(filter2d(image, kernel), golden_bgr(*golden, text("filter2D/", name))) <= 2e-6);
  }
  CHECK(distance(filter2d(image, golden_kernel(*golden, "kernel5")), golden_bgr(*golden, "filter2D/kernel5")) <= 2e-6);
}

TEST_CASE("degrade: the published chain step by step") {
  const auto golden = open_golden("data_degrade.safetensors");
  if (!golden) return;
  Image x = filter2d(golden_bgr(*golden, "image_bgr"), gaussian_kernel(41, 2, 9, 0.7));
  CHECK(distance(x, golden_bgr(*golden, "chain/1_blur")) <= 2e-6);
  x = resize(x, int(96 / 3.7), int(80 / 3.7));
  CHECK(distance(x, golden_bgr(*golden, "chain/2_down")) <= 2e-6);
  const Image noisy = golden_bgr(*golden, "chain/3_noise");
  x = jpeg_round_trip(noisy, 55);
  CHECK(distance(x, golden_bgr(*golden, "chain/4_jpeg")) <= 2.001 / 255);
  x = resize(golden_bgr(*golden, "chain/4_jpeg"), 96, 80);
  CHECK(distance(x, golden_bgr(*golden, "chain/5_up")) <= 1e-6);
  round_to_bytes(x);
  const Tensor rounded = golden->read("chain/6_rounded_rgb_chw");
  for (int y = 0; y < 96; ++y)
    for (int i = 0; i < 80 * 3; ++i)
      if (x.at(y, i / 3)[i % 3] != float(rounded.item((i % 3 * 96 + y) * 80 + i / 3))) FAIL("pixel ", y, ",", i / 3);
}

TEST_CASE("degrade: JPEG equals the reference's encoder and decoder") {
  const auto golden = open_golden("data_degrade.safetensors");
  if (!golden) return;
  const Image image = golden_bgr(*golden, "image_bgr_u8");
  int equal_streams = 0;
  for (int quality : {30, 61, 80, 95}) {
    const Tensor stream = golden->read(text("jpeg_bytes/q", quality));
    const std::vector<uint8_t> bytes(stream.data<uint8_t>(), stream.data<uint8_t>() + stream.numel());
    const Image expected = golden_bgr(*golden, text("jpeg_decoded_bgr/q", quality));
    INFO("quality " << quality);
    CHECK(distance(from_bytes(decode_jpeg(bytes)), expected) <= 2.001 / 255);
    CHECK(distance(jpeg_round_trip(image, quality), expected) <= 2.001 / 255);
    equal_streams += encode_jpeg(to_bytes(image), quality) == bytes;
  }
  MESSAGE("byte-identical JPEG streams: " << equal_streams << " of 4");
}

TEST_CASE("degrade: grey equals the reference") {
  const auto golden = open_golden("data_degrade.safetensors");
  if (!golden) return;
  Image x = golden_bgr(*golden, "image_bgr");
  make_grey(x);
  const Tensor expected = golden->read("gray_bgr2gray");
  for (int64_t i = 0; i < expected.numel(); ++i) CHECK(std::abs(x.pixels[3 * i] - expected.item(i)) <= 1e-6);
}

TEST_CASE("colour jitter: each step equals torchvision's") {
  const auto golden = open_golden("data_degrade.safetensors");
  if (!golden) return;
  const auto chw = [&](const std::string& name) {
    const Tensor t = golden->read("jitter/" + name);
    Image image(int(t.dim(1)), int(t.dim(2)));
    const int64_t area = t.dim(1) * t.dim(2);
    for (int64_t i = 0; i < t.numel(); ++i) image.pixels[size_t(i % area * 3 + i / area)] = float(t.item(i));
    return image;
  };
  const auto off = [&](const char* expected, auto step, float factor) {
    Image x = chw("rgb");
    step(x, factor);
    return distance(x, chw(expected));
  };
  CHECK(off("brightness_1.37", adjust_brightness, 1.37f) <= 1e-6);
  CHECK(off("contrast_0.61", adjust_contrast, 0.61f) <= 1e-6);
  CHECK(off("saturation_1.42", adjust_saturation, 1.42f) <= 1e-6);
  CHECK(off("saturation0_0", adjust_saturation, 0.0f) <= 1e-6);
  // A hue lies in [0, 1) and is multiplied by 6 on its way back: a few roundings of 6 * 2^-24.
  CHECK(off("hue_pos_0.083", adjust_hue, 0.083f) <= 4e-6);
  CHECK(off("hue_neg_-0.1", adjust_hue, -0.1f) <= 4e-6);
}

TEST_CASE("colour jitter: greys keep their hue, every order occurs, the draw is applied") {
  Image grey(2, 2, 3, 0.3f);
  adjust_hue(grey, 0.25f);
  CHECK(grey.pixels == Image(2, 2, 3, 0.3f).pixels);
  Image red(1, 1);
  red.pixels = {1, 0, 0};
  adjust_hue(red, 1 / 3.0f);
  CHECK(distance(red, [] { Image g(1, 1); g.pixels = {0, 1, 0}; return g; }()) <= 1e-6);
  CHECK_THROWS_AS(adjust_hue(red, 0.6f), Error);
  Philox random(1, "test");
  int first[4] = {};
  for (int i = 0; i < 400; ++i) ++first[ColourJitter::draw(random).order[0]];
  for (int n : first) CHECK(n > 50);
  DegradeOptions always = DegradeOptions::colorization().for_size(16), never = always;
  always.colour_jitter_probability = 1;
  never.colour_jitter_probability = 0;
  CHECK(degrade(pattern(16, 16), always, 1, 0, 0).pixels != degrade(pattern(16, 16), never, 1, 0, 0).pixels);
}

TEST_CASE("degrade: filter2d equals its definition at every SIMD level, also on pictures smaller than the kernel") {
  for (auto [h, w] : {std::pair{1, 1}, {2, 3}, {5, 4}, {9, 50}}) {
    const Image image = pattern(h, w);
    for (const Kernel& kernel : {gaussian_kernel(13, 2.1), gaussian_kernel(13, 1, 3, 0.4)}) {
      const Image expected = filter2d_plain(image, kernel);
      for (SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512}) {
        const SimdLevel old = set_simd_level(level);
        const double d = distance(filter2d(image, kernel), expected);
        set_simd_level(old);
        CHECK(d <= 2e-6);  // 169 products of values in [0,1] with weights that sum to 1
      }
    }
  }
  CHECK_THROWS_WITH_AS(gaussian_kernel(40, 1.0), doctest::Contains("odd"), Error);
  CHECK_THROWS_WITH_AS(gaussian_kernel(41, 0.0), doctest::Contains("sigma"), Error);
}

TEST_CASE("degrade: the rows of a blur that are asked for are those of the whole blur") {
  const Image image = pattern(11, 9);
  for (const Kernel& kernel : {gaussian_kernel(5, 1.3), gaussian_kernel(5, 1, 2, 0.4)}) {
    const Image whole = filter2d(image, kernel), some = filter2d(image, kernel, {0, 3, 10});
    for (int y = 0; y < image.h; ++y)
      for (int i = 0; i < 27; ++i) CHECK(some.at(y, 0)[i] == (y == 0 || y == 3 || y == 10 ? whole.at(y, 0)[i] : 0));
  }
  CHECK_THROWS_WITH_AS(filter2d(image, gaussian_kernel(5, 1.3), {11}), doctest::Contains("rows must be in [0,11)"), Error);
  // So degrading is its steps one after the other.
  Degradation d;
  d.sigma_x = 2, d.sigma_y = 0.7, d.angle = 0.3, d.isotropic = false, d.downsample = 2.6, d.noise = 9, d.jpeg_quality = 50;
  const Philox noise(4, "test");
  Image x = filter2d(image, blur_kernel(d, 7));
  x = resize(x, 4, 3);
  add_noise(x, d.noise, noise);
  x = resize(jpeg_round_trip(x, 50), 11, 9);
  round_to_bytes(x);
  CHECK(degrade(image, d, 7, noise).pixels == x.pixels);
}

TEST_CASE("degrade: presets and their scaling") {
  CHECK(DegradeOptions::named("stage3_small").downsample.high == 12);
  CHECK(DegradeOptions::named("stage3_large").jpeg_quality.high == 80);
  CHECK(DegradeOptions::named("paper").downsample.low == 1);
  CHECK_THROWS_WITH_AS(DegradeOptions::named("stage4"), doctest::Contains("'stage4'"), UsageError);
  const DegradeOptions small = DegradeOptions::stage2().for_size(64);
  CHECK(small.kernel_size % 2 == 1);
  CHECK(small.blur_sigma.high == 15 / 8.0);
  CHECK(small.downsample.low == 1);
  DegradeOptions bad;
  bad.downsample = {0.5, 2};
  Philox random(1, "test");
  CHECK_THROWS_WITH_AS(draw_degradation(bad, random), doctest::Contains("downsample"), Error);
}

TEST_CASE("degrade: draws stay in their ranges and reach both ends") {
  const DegradeOptions o = DegradeOptions::stage3_small();
  Philox random(5, "test");
  int isotropic = 0;
  double least = 1e9, most = 0;
  for (int i = 0; i < 2000; ++i) {
    const Degradation d = draw_degradation(o, random);
    isotropic += d.isotropic;
    least = std::min(least, d.downsample);
    most = std::max(most, d.downsample);
    REQUIRE((d.sigma_x >= 0.1 && d.sigma_x <= 10 && d.sigma_y >= 0.1 && d.sigma_y <= 10));
    REQUIRE((d.noise >= 0 && d.noise <= 15 && d.jpeg_quality >= 60 && d.jpeg_quality <= 100));
    REQUIRE(!d.colours.any());
  }
  CHECK(std::abs(isotropic - 1000) < 5 * std::sqrt(500.0));  // five standard deviations of 2000 fair coins
  CHECK(least < 1.1);
  CHECK(most > 11.9);
}

TEST_CASE("degrade: keyed by seed, epoch and index, rounded to 8 bits, of the same size") {
  const Image image = pattern(32, 24);
  const DegradeOptions o = DegradeOptions::stage2().for_size(32);
  const Image a = degrade(image, o, 1, 2, 3);
  CHECK(a.h == 32);
  CHECK(a.w == 24);
  CHECK(a.pixels == degrade(image, o, 1, 2, 3).pixels);
  CHECK(a.pixels != degrade(image, o, 2, 2, 3).pixels);
  CHECK(a.pixels != degrade(image, o, 1, 3, 3).pixels);
  CHECK(a.pixels != degrade(image, o, 1, 2, 4).pixels);
  for (float v : a.pixels) CHECK(v == float(to_byte(v)) / 255.0f);
  CHECK_THROWS_WITH_AS(degrade(Image(4, 4, 1), o, 1, 1, 1), doctest::Contains("RGB"), Error);
  CHECK(degrade(Image(1, 1, 3, 0.5f), o, 1, 1, 1).pixels.size() == 3);
}

TEST_CASE("degrade: noise has the asked deviation") {
  Image grey(64, 64, 3, 0.5f);
  add_noise(grey, 10, Philox(3, "test"));
  double sum = 0, squares = 0;
  for (float v : grey.pixels) sum += v - 0.5, squares += (v - 0.5) * (v - 0.5);
  const double n = double(grey.pixels.size()), sigma = 10 / 255.0;
  CHECK(std::abs(sum / n) < 5 * sigma / std::sqrt(n));
  CHECK(std::abs(std::sqrt(squares / n) / sigma - 1) < 5 / std::sqrt(2 * n));
}

TEST_CASE("degrade: the shrunken side is the whole number that the reference's // gives") {
  Philox random(2, "test");
  for (int i = 0; i < 4000; ++i) {
    const int side = 16 + int(random.below(1000));
    const double factor = i % 2 ? 1 + 29 * double(random.uniform()) : std::nextafter(double(side) / (1 + random.below(20)), i % 4 ? 1e9 : 1.0);
    if (factor < 1 || factor > side) continue;
    const int whole = shrunk_side(side, factor);
    // The largest whole number of factors that fits; the products are exact in a long double.
    CHECK((long double)(whole) * factor <= side);
    CHECK((long double)(whole + 1) * factor > side);
  }
  CHECK(shrunk_side(3, 30) == 1);
}

TEST_CASE("degrade: colours change in the reference's order: shift and clip, grey, jitter in the drawn order") {
  Degradation d;
  d.colours = {.shift = true, .grey = true, .jitter = true};
  d.colour_shift[0] = 0.3, d.colour_shift[1] = -0.2, d.colour_shift[2] = 0.05;
  d.colour_jitter = {.brightness = 0.7f, .contrast = 1.4f, .saturation = 0.2f, .hue = 0.05f, .order = {3, 1, 0, 2}};
  const Image start = pattern(9, 7);
  Image by_hand = start;
  for (size_t i = 0; i < by_hand.pixels.size(); ++i) by_hand.pixels[i] = std::clamp(by_hand.pixels[i] + float(d.colour_shift[i % 3]), 0.0f, 1.0f);
  for (size_t i = 0; i < by_hand.pixels.size(); i += 3) {
    const float* p = &by_hand.pixels[i];
    const double grey = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
    std::fill_n(by_hand.pixels.begin() + std::ptrdiff_t(i), 3, float(grey));
  }
  // On greys hue and saturation do nothing. Contrast, then brightness:
  double mean = 0;
  for (float v : by_hand.pixels) mean += v / double(by_hand.pixels.size());
  mean *= 0.2989 + 0.587 + 0.114;  // torchvision's weights sum to 0.9999
  for (float& v : by_hand.pixels) v = std::clamp(0.7f * std::clamp(float(1.4 * v - 0.4 * mean), 0.0f, 1.0f), 0.0f, 1.0f);
  Image changed = start;
  change_colours(changed, d);
  CHECK(distance(changed, by_hand) <= 1.5e-4);  // saturation 0.2 blends with 0.9999 grey
  d.colours = {.shift = false, .grey = false, .jitter = true};
  Image jittered = start, steps = start;
  change_colours(jittered, d);
  adjust_hue(steps, 0.05f);
  adjust_contrast(steps, 1.4f);
  adjust_brightness(steps, 0.7f);
  adjust_saturation(steps, 0.2f);
  CHECK(jittered.pixels == steps.pixels);
  d.colours = {};
  Image untouched = start;
  change_colours(untouched, d);
  CHECK(untouched.pixels == start.pixels);
}
