// metrics and metrics/psnr_ssim: PSNR and SSIM of two code bases, and the conversions between 8-bit pictures and network values.
#include <cmath>

#include "apps/parity/golden_image.h"
#include "data/batch.h"
#include "data/bytes.h"
#include "data/metrics.h"

namespace kintsugi::parity {
namespace {

constexpr double kQuality = 1e-9;
// The CodeFormer code averages the squares of Y in f32: one unit in the last place of that mean is 10 / ln 10 * 2^-23 dB.
const double kQualityOfLuma = 10 / std::log(10.0) * 0x1p-23;

void difference(Check& check, const std::string& tensor, double got, double want, double tolerance) {
  check.row(tensor, "abs", std::abs(got - want), tolerance, text(got, " for ", want));
}

void codeformer_quality(const GoldenFile& golden, Check& check) {
  check.computed_in(DType::f64);
  const Image a = golden_image(golden, "a_bgr_u8"), b = golden_image(golden, "b_bgr_u8");
  for (int crop : {0, 4})
    for (bool y : {false, true}) {
      const std::string end = text("_crop", crop, y ? "_y" : "_rgb");
      difference(check, "psnr" + end, psnr(a, b, {crop, y}), golden.number("psnr" + end), y ? kQualityOfLuma : kQuality);
      difference(check, "ssim" + end, ssim(a, b, {crop, y}), golden.number("ssim" + end), kQuality);
    }
}

void conversions(const GoldenFile& golden, Check& check) {
  const Tensor in = golden.read("tensor2img_in"), all = golden.read("u8_all");
  const std::vector<uint8_t> bytes = to_bytes(to_image(in.reshape({1, 1, in.numel(), 1}))).pixels;
  check.exact("tensor2img_out", Tensor::of({in.numel()}, bytes), golden.read("tensor2img_out"));
  const Image pixels = from_bytes({1, int(all.numel()), 1, {all.data<uint8_t>(), all.data<uint8_t>() + all.numel()}});
  check.values("u8_normalised", to_tensor(pixels).reshape(all.shape()), golden.read("u8_normalised"), 0);
}

void basicsr_quality(const GoldenFile& golden, Check& check) {
  check.computed_in(DType::f64);
  for (const std::string pair : {"a", "b"}) {
    const Image ref = golden_image(golden, pair + ".ref_rgb_hwc", Channels::rgb);
    const Image dist = golden_image(golden, pair + ".dist_rgb_hwc", Channels::rgb);
    const auto one = [&](const std::string& name, double got) {
      difference(check, pair + "." + name, got, golden.number("scalar." + pair + "." + name), kQuality);
    };
    one("psnr_rgb", psnr(ref, dist));
    one("psnr_rgb_crop4", psnr(ref, dist, {4, false}));
    one("psnr_y", psnr(ref, dist, {0, true}));
    one("ssim_rgb", ssim(ref, dist));
    one("ssim_rgb_crop4", ssim(ref, dist, {4, false}));
    one("ssim_y", ssim(ref, dist, {0, true}));
    const Tensor y = golden.read(pair + ".y_ref");
    check.values(pair + ".y_ref", Tensor::of<double>(y.shape(), luma(ref)), y, tolerance::operator_f32);
  }
}

const ParityRegistration codeformer({"metrics", [](const GoldenFile& golden) -> std::vector<ParityCase> {
  return {{"psnr_ssim", [&golden](Check& check) { codeformer_quality(golden, check); }},
          {"conversions", [&golden](Check& check) { conversions(golden, check); }}};
}});
const ParityRegistration basicsr({"metrics/psnr_ssim", [](const GoldenFile& golden) -> std::vector<ParityCase> {
  return {{"u8", [&golden](Check& check) { basicsr_quality(golden, check); }}, {"float variants", {}, Standing::not_built}};
}});

}  // namespace
}  // namespace kintsugi::parity
