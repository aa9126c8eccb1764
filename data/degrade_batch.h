// Degrading a whole batch where it lies. On a GPU blur, resizing and noise are kernels, and only the shrunken pictures travel to the CPU,
// for JPEG; there is one stop of the device per batch.
#pragma once
#include "data/batch.h"
#include "data/degrade.h"

namespace kintsugi {

/// lq for gt, both [N, h, w, 3] f32 in [-1, 1] on one device: for each sample (epoch, index) what a DegradeDataset of the same options,
/// seed and set gives, up to rounding: a value that lies on the edge between two of JPEG's 8-bit levels may fall on either side. Throws
/// Error unless gt is such a batch with one sample for each picture.
Tensor degrade_batch(const Tensor& gt, const DegradeOptions& options, DegradeSet set, uint64_t seed,
                     std::span<const std::pair<uint64_t, int64_t>> samples);

/// Its first half, for tests: each picture blurred, shrunk and with noise, in [0, 1], on the CPU.
struct ShrunkenPictures {
  std::vector<Image> pictures;
  std::vector<Degradation> draws;
};
ShrunkenPictures shrink_batch(const Tensor& gt, const DegradeOptions& options, DegradeSet set, uint64_t seed,
                              std::span<const std::pair<uint64_t, int64_t>> samples);
/// Its second half: JPEG, size, colours, 8 bits; on the device.
Tensor finish_batch(const ShrunkenPictures& shrunken, int64_t h, int64_t w, Device device);

}  // namespace kintsugi
