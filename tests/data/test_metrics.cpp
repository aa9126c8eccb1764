#include "data/metrics.h"

#include <doctest/doctest.h>

#include "kernels/base/error.h"
#include "tests/data/golden_image.h"

using namespace kintsugi;

namespace {

Image golden_rgb(const SafetensorsFile& file, const std::string& name) {
  Image image = golden_bgr(file, name);
  for (size_t i = 0; i < image.pixels.size(); i += 3) std::swap(image.pixels[i], image.pixels[i + 2]);
  return image;
}

}  // namespace

TEST_CASE("metrics: PSNR and SSIM of the CodeFormer code") {
  const auto golden = open_golden("metrics.safetensors");
  if (!golden) return;
  const Image a = golden_bgr(*golden, "a_bgr_u8"), b = golden_bgr(*golden, "b_bgr_u8");
  for (int crop : {0, 4})
    for (bool y : {false, true}) {
      const std::string end = text("_crop", crop, y ? "_y" : "_rgb");
      INFO(end);
      // That code averages the squares of Y in f32: one unit in the last place of the mean is 10/ln(10) * 2^-23 dB.
      const double tolerance = y ? 10 / std::log(10.0) * 0x1p-23 : 1e-9;
      CHECK(std::abs(psnr(a, b, {crop, y}) - golden->read("psnr" + end).item()) <= tolerance);
      CHECK(std::abs(ssim(a, b, {crop, y}) - golden->read("ssim" + end).item()) <= 1e-9);
    }
}

TEST_CASE("metrics: PSNR and SSIM of the BasicSR code") {
  const auto golden = open_golden("metrics/psnr_ssim.safetensors");
  if (!golden) return;
  for (const std::string p : {"a", "b"}) {
    const Image ref = golden_rgb(*golden, p + ".ref_rgb_hwc"), dist = golden_rgb(*golden, p + ".dist_rgb_hwc");
    const auto scalar = [&](const char* name) { return golden->read("scalar." + p + "." + name).item(); };
    CHECK(std::abs(psnr(ref, dist) - scalar("psnr_rgb")) <= 1e-9);
    CHECK(std::abs(psnr(ref, dist, {4, false}) - scalar("psnr_rgb_crop4")) <= 1e-9);
    CHECK(std::abs(psnr(ref, dist, {0, true}) - scalar("psnr_y")) <= 1e-9);
    CHECK(std::abs(ssim(ref, dist) - scalar("ssim_rgb")) <= 1e-9);
    CHECK(std::abs(ssim(ref, dist, {4, false}) - scalar("ssim_rgb_crop4")) <= 1e-9);
    CHECK(std::abs(ssim(ref, dist, {0, true}) - scalar("ssim_y")) <= 1e-9);
    const std::vector<double> y = luma(ref);
    const Tensor expected = golden->read(p + ".y_ref");
    for (int64_t i = 0; i < expected.numel(); ++i)
      if (std::abs(y[i] - expected.item(i)) > 1e-4) FAIL("luma ", i, ": ", y[i], " ", expected.item(i));
  }
}

TEST_CASE("metrics: equal pictures, and pairs that cannot be compared") {
  const Image a(12, 14, 3, 0.25f), b(12, 14, 3, 0.5f);
  CHECK(std::isinf(psnr(a, a)));
  CHECK(ssim(a, a) == doctest::Approx(1.0));
  CHECK(psnr(a, b) == doctest::Approx(20 * std::log10(255.0 / 64)));  // bytes 64 and 128
  CHECK_THROWS_WITH_AS(psnr(a, Image(12, 13)), doctest::Contains("12x14x3 and 12x13x3"), Error);
  CHECK_THROWS_WITH_AS(ssim(a, b, {1, false}), doctest::Contains("11x11 pixels must remain"), Error);
  CHECK_THROWS_AS(psnr(a, b, {6, false}), Error);
}
