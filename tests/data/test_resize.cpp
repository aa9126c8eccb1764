#include "data/resize.h"

#include <doctest/doctest.h>

#include "data/bytes.h"
#include "kernels/base/error.h"
#include "tests/data/golden_image.h"

using namespace kintsugi;

TEST_CASE("resize: bilinear equals OpenCV on floats") {
  const auto golden = open_golden("data_degrade.safetensors");
  if (!golden) return;
  const Image image = golden_bgr(*golden, "image_bgr");
  for (const char* name : {"resize_linear/21x17", "resize_linear/40x33", "resize_linear/192x160", "resize_linear/5x7"}) {
    const Image expected = golden_bgr(*golden, name);
    INFO(name);
    CHECK(distance(resize(image, expected.h, expected.w), expected) <= 1e-6);
  }
}

TEST_CASE("resize: every filter equals OpenCV on bytes up to one step of its fixed-point arithmetic") {
  const auto golden = open_golden("data_degrade.safetensors");
  if (!golden) return;
  const Image image = golden_bgr(*golden, "image_bgr_u8");
  const std::pair<const char*, Filter> cases[] = {
      {"resize_u8_area_down", Filter::area},        {"resize_u8_area_down_half", Filter::area},
      {"resize_u8_lanczos4_up", Filter::lanczos4},  {"resize_u8_linear_up", Filter::linear},
      {"resize_u8_linear_odd", Filter::linear},     {"resize_u8_cubic_up", Filter::cubic},
      {"resize_u8_nearest", Filter::nearest},
  };
  for (const auto& [name, filter] : cases) {
    const Image expected = golden_bgr(*golden, name);
    Image resized = resize(image, expected.h, expected.w, filter);
    round_to_bytes(resized);
    INFO(name);
    CHECK(distance(resized, expected) <= (filter == Filter::nearest ? 0 : 1.001 / 255));
  }
}

TEST_CASE("resize: a constant stays constant and one pixel is enough") {
  for (Filter filter : {Filter::nearest, Filter::linear, Filter::cubic, Filter::lanczos4, Filter::area}) {
    const Image grey(7, 5, 1, 0.25f);
    for (float v : resize(grey, 13, 3, filter).pixels) CHECK(v == doctest::Approx(0.25f).epsilon(1e-6));
    for (float v : resize(Image(1, 1, 3, 0.5f), 4, 2, filter).pixels) CHECK(v == doctest::Approx(0.5f).epsilon(1e-6));
    CHECK(resize(grey, 7, 5, filter).pixels == grey.pixels);
  }
  CHECK_THROWS_WITH_AS(resize(Image(2, 2), 0, 4), doctest::Contains("got 0x4"), Error);
  CHECK_THROWS_AS(resize(Image(), 2, 2), Error);
}

TEST_CASE("resize: area keeps the mean of the picture") {
  Image image(12, 10, 1);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = float((i * 37) % 101) / 100;
  const auto mean = [](const Image& x) {
    double sum = 0;
    for (float v : x.pixels) sum += v;
    return sum / double(x.pixels.size());
  };
  CHECK(mean(resize(image, 5, 3, Filter::area)) == doctest::Approx(mean(image)).epsilon(1e-6));
}

TEST_CASE("crop and flip") {
  Image image(3, 4, 1);
  for (int i = 0; i < 12; ++i) image.pixels[i] = float(i);
  CHECK(crop(image, 1, 2, 2, 2).pixels == std::vector<float>{6, 7, 10, 11});
  CHECK(crop(image, 0, 0, 3, 4).pixels == image.pixels);
  CHECK_THROWS_WITH_AS(crop(image, 2, 0, 2, 4), doctest::Contains("inside the 3x4 image"), Error);
  CHECK(flip_horizontal(crop(image, 0, 0, 1, 4)).pixels == std::vector<float>{3, 2, 1, 0});
  CHECK(flip_horizontal(flip_horizontal(image)).pixels == image.pixels);
}
