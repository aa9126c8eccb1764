// Degradation on a device against the CPU's, for the same draws. The emulated GPU stands in for a real one.
#include "data/degrade_batch.h"

#include <doctest/doctest.h>

#include "data/bytes.h"
#include "data/resize.h"
#include "kernels/base/error.h"
#include "tests/data/golden_image.h"

using namespace kintsugi;

namespace {

constexpr int kSize = 24, kCount = 6;

struct Faces : Dataset {
  int64_t size() const override { return kCount; }
  Sample get(uint64_t, int64_t index) const override {
    Image image(kSize, kSize);
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x)
        for (int c = 0; c < 3; ++c) image.at(y, x)[c] = float(to_byte(0.5f + 0.5f * std::sin(0.3f * float(x * (c + 1)) + 0.2f * float(y * index)))) / 255;
    return {image, {}, text(index)};
  }
};

const std::vector<std::pair<uint64_t, int64_t>> kSamples = {{0, 0}, {0, 1}, {2, 2}, {3, 3}, {3, 4}, {9, 5}};

/// The CPU's pictures at the point where JPEG takes over.
Image shrunken(const Image& gt, const Degradation& d, int kernel_size, const Philox& noise) {
  Image x = filter2d(gt, blur_kernel(d, kernel_size));
  x = resize(x, shrunk_side(gt.h, d.downsample), shrunk_side(gt.w, d.downsample), Filter::linear);
  add_noise(x, d.noise, noise);
  return x;
}

}  // namespace

TEST_CASE("degrade_batch: on a device as on the CPU") {
  DegradeOptions options = DegradeOptions::stage3_small().for_size(kSize);
  options.downsample = {1, 4};
  options.colour_shift_probability = 0.4;
  options.grey_probability = 0.3;
  options.colour_jitter_probability = 0.4;
  const auto faces = std::make_shared<Faces>();
  const Batch clean = make_batch(*faces, kSamples);
  CHECK(clean.samples == kSamples);
  for (const DegradeSet set : {DegradeSet::small, DegradeSet::large}) {
    const Tensor expected = make_batch(DegradeDataset(faces, options, 11, set), kSamples).lq;
    const Tensor here = degrade_batch(clean.gt, options, set, 11, kSamples);
    const Tensor there = degrade_batch(clean.gt.to(Device{DeviceKind::sim}), options, set, 11, kSamples);
    CHECK(there.device().kind == DeviceKind::sim);
    const ShrunkenPictures shrunk = shrink_batch(clean.gt.to(Device{DeviceKind::sim}), options, set, 11, kSamples);
    int coloured = 0, same_bytes = 0;
    for (int64_t n = 0; n < kCount; ++n) {
      CAPTURE(n);
      const auto [epoch, index] = kSamples[size_t(n)];
      const Degradation& d = shrunk.draws[size_t(n)];
      coloured += d.colours.any();
      const Image cpu = shrunken(faces->get(0, n).gt, d, options.kernel_size, Philox(11, degrade_noise(set, epoch, uint64_t(index))));
      REQUIRE(cpu.pixels.size() == shrunk.pictures[size_t(n)].pixels.size());
      // Sums of up to kernel_size^2 = 9 products and 4 more of weights that sum to one, in another order.
      CHECK(distance(shrunk.pictures[size_t(n)], cpu) <= 16 * 0x1p-24);
      // The CPU's own batch differs in the way to [-1, 1] and back alone.
      CHECK(distance(to_image(here, n), to_image(expected, n)) <= 1.001 / 255);
      if (to_bytes(cpu).pixels != to_bytes(shrunk.pictures[size_t(n)]).pixels) continue;  // a value on the edge of two levels: JPEG may make much of it
      ++same_bytes;
      const Image got = to_image(there.host(), n), want = to_image(expected, n);
      CHECK(distance(got, want) <= 1.001 / 255);
      int levels = 0;
      for (size_t i = 0; i < got.pixels.size(); ++i) levels += got.pixels[i] != want.pixels[i];
      CHECK(levels <= int(got.pixels.size()) / 100);  // only those within rounding of a half
    }
    CHECK(coloured > 0);
    CHECK(coloured < kCount);
    CHECK(same_bytes >= kCount - 1);
  }
}

TEST_CASE("degrade_batch: what is refused") {
  const DegradeOptions options;
  CHECK_THROWS_WITH_AS(degrade_batch(Tensor::zeros({2, 4, 4, 1}), options, DegradeSet::small, 1, std::span(kSamples).first(2)),
                       doctest::Contains("[N,h,w,3] f32, got [2,4,4,1]"), Error);
  CHECK_THROWS_WITH_AS(degrade_batch(Tensor::zeros({2, 4, 4, 3}), options, DegradeSet::small, 1, std::span(kSamples).first(1)),
                       doctest::Contains("2 pictures need as many samples, got 1"), Error);
}
