// data_degrade: blur kernels, filtering, resizes, JPEG and the published degradation chain step by step.
#include <cmath>
#include <cstdio>
#include <regex>

#include "apps/parity/golden_image.h"
#include "data/batch.h"
#include "data/bytes.h"
#include "data/colour_jitter.h"
#include "data/degrade.h"
#include "data/jpeg.h"
#include "data/resize.h"

namespace kintsugi::parity {
namespace {

constexpr double kKernel = 1e-12, kFilter = 2e-6, kFloatResize = 1e-6;
// Steps of an 8-bit picture, and a little for the rounding of k/255 in f32.
constexpr double kOneStep = 1.001 / 255, kTwoSteps = 2.001 / 255;

/// "iso_7.3" or "aniso_2_9_0.7": sigmas and angle.
Kernel kernel_named(const std::string& name, int size) {
  double a, b, angle;
  if (std::sscanf(name.c_str(), "aniso_%lf_%lf_%lf", &a, &b, &angle) == 3) return gaussian_kernel(size, a, b, angle);
  KIN_CHECK(std::sscanf(name.c_str(), "iso_%lf", &a) == 1, "parity: no blur kernel called ", name);
  return gaussian_kernel(size, a);
}

Tensor tensor_of(const Kernel& k) { return Tensor::of<double>({k.size, k.size}, k.weights); }

void kernels_case(const GoldenFile& golden, Check& check) {
  check.computed_in(DType::f64);
  for (const std::string& name : golden.names_below("kernel/")) {
    const Tensor want = golden.read("kernel/" + name);
    check.values(name, tensor_of(kernel_named(name, int(want.dim(0)))), want, kKernel, as_stored, 1);
  }
}

void filter_case(const GoldenFile& golden, Check& check) {
  const Image image = golden_image(golden, "image_bgr");
  for (const std::string& name : golden.names_below("filter2D/")) {
    const Tensor k = golden.read(golden.has("kernel/" + name) ? "kernel/" + name : name);
    const Kernel kernel{int(k.dim(0)), {k.data<double>(), k.data<double>() + k.numel()}, {}};
    check_image(check, name, filter2d(image, kernel), golden_image(golden, "filter2D/" + name), kFilter);
  }
}

void float_resize_case(const GoldenFile& golden, Check& check) {
  const Image image = golden_image(golden, "image_bgr");
  for (const std::string& name : golden.names_below("resize_linear/")) {
    const Image want = golden_image(golden, "resize_linear/" + name);
    check_image(check, name, resize(image, want.h, want.w), want, kFloatResize);
  }
}

void byte_resize_case(const GoldenFile& golden, Check& check) {
  const std::pair<const char*, Filter> filters[] = {{"area", Filter::area},
                                                    {"lanczos4", Filter::lanczos4},
                                                    {"linear", Filter::linear},
                                                    {"cubic", Filter::cubic},
                                                    {"nearest", Filter::nearest}};
  const Image image = golden_image(golden, "image_bgr_u8");
  for (const std::string& name : golden.names_below("resize_u8_"))
    for (const auto& [start, filter] : filters) {
      if (name.rfind(start, 0) != 0) continue;
      const Image want = golden_image(golden, "resize_u8_" + name);
      Image got = resize(image, want.h, want.w, filter);
      round_to_bytes(got);
      check_image(check, name, got, want, filter == Filter::nearest ? 0 : kOneStep);
    }
}

void jpeg_case(const GoldenFile& golden, Check& check) {
  const Image image = golden_image(golden, "image_bgr_u8");
  for (const std::string& name : golden.names_below("jpeg_bytes/q")) {
    const Tensor stream = golden.read("jpeg_bytes/q" + name);
    const Image want = golden_image(golden, "jpeg_decoded_bgr/q" + name);
    check_image(check, "decode q" + name, from_bytes(decode_jpeg(stream.span<uint8_t>())), want, kTwoSteps);
    check_image(check, "round trip q" + name, jpeg_round_trip(image, std::stoi(name)), want, kTwoSteps);
  }
}

/// Each step starts from the stored result of the one before, so that one step's rounding does not count in the next.
void chain_case(const GoldenFile& golden, Check& check) {
  const std::string note = golden.metadata("notes").at("chain").get<std::string>();
  std::smatch kernel, quality, noise;
  KIN_CHECK(std::regex_search(note, kernel, std::regex("kernel ([^;]+);")) &&
                std::regex_search(note, quality, std::regex("JPEG q([0-9]+)")) &&
                std::regex_search(note, noise, std::regex("noise\\*([0-9.]+)/255")),
            "parity: cannot read the chain's note: ", note);
  const auto stored = [&](const char* step) { return golden_image(golden, text("chain/", step)); };
  const Kernel blur = kernel_named(kernel[1], int(golden.shape("kernel/" + kernel[1].str())[0]));
  check_image(check, "1_blur", filter2d(golden_image(golden, "image_bgr"), blur), stored("1_blur"), kFilter);
  const Image down = stored("2_down"), up = stored("5_up");
  check_image(check, "2_down", resize(stored("1_blur"), down.h, down.w), down, kFloatResize);
  Image noisy = down;
  const Image drawn = stored("noise");
  for (size_t i = 0; i < noisy.pixels.size(); ++i)
    noisy.pixels[i] = std::clamp(noisy.pixels[i] + drawn.pixels[i] * std::stof(noise[1]) / 255, 0.0f, 1.0f);
  check_image(check, "3_noise", noisy, stored("3_noise"), kFloatResize);
  check_image(check, "4_jpeg", jpeg_round_trip(stored("3_noise"), std::stoi(quality[1])), stored("4_jpeg"), kTwoSteps);
  check_image(check, "5_up", resize(stored("4_jpeg"), up.h, up.w), up, kFloatResize);
  Image rounded = up;
  round_to_bytes(rounded);
  Tensor rgb({rounded.h, rounded.w, 3});
  std::copy(rounded.pixels.begin(), rounded.pixels.end(), rgb.data<float>());
  const Order hwc{1, 2, 0};
  check.values("6_rounded_rgb_chw", rgb, golden.read("chain/6_rounded_rgb_chw"), 0, hwc);
  check.values("7_normalised", to_tensor(rounded).reshape(rgb.shape()), golden.read("chain/7_normalised"), 0, hwc);
}

void grey_case(const GoldenFile& golden, Check& check) {
  Image grey = golden_image(golden, "image_bgr");
  make_grey(grey);
  const Tensor want = golden.read("gray_bgr2gray");
  Tensor got(want.shape());
  for (int64_t i = 0; i < got.numel(); ++i) got.data<float>()[i] = grey.pixels[size_t(3 * i)];
  check.values("gray_bgr2gray", got, want, kFloatResize);
}

/// "brightness_1.37": the adjustment, and its amount behind the last underscore. Stored as [3,h,w] RGB.
void jitter_case(const GoldenFile& golden, Check& check) {
  const std::pair<const char*, void (*)(Image&, float)> adjustments[] = {{"brightness", adjust_brightness},
                                                                        {"contrast", adjust_contrast},
                                                                        {"saturation", adjust_saturation},
                                                                        {"hue", adjust_hue}};
  const Order hwc{1, 2, 0};
  const Tensor start = golden.read("jitter/rgb", hwc);
  for (const std::string& name : golden.names_below("jitter/"))
    for (const auto& [word, adjust] : adjustments) {
      if (name.rfind(word, 0) != 0) continue;
      Image image(int(start.dim(0)), int(start.dim(1)));
      image.pixels.assign(start.data<float>(), start.data<float>() + start.numel());
      adjust(image, std::stof(name.substr(name.rfind('_') + 1)));
      check.values(name, Tensor::of(start.shape(), image.pixels), golden.read("jitter/" + name), tolerance::operator_f32, hwc);
    }
}

std::vector<ParityCase> cases(const GoldenFile& golden) {
  const auto ready = [&](const char* name, void (*run)(const GoldenFile&, Check&)) {
    return ParityCase{name, [&golden, run](Check& check) { run(golden, check); }};
  };
  return {ready("kernels", kernels_case), ready("filter2D", filter_case),   ready("resize_linear", float_resize_case),
          ready("resize_u8", byte_resize_case), ready("jpeg", jpeg_case),   ready("chain", chain_case),
          ready("gray", grey_case),       ready("jitter", jitter_case)};
}

const ParityRegistration registration({"data_degrade", cases});

}  // namespace
}  // namespace kintsugi::parity
