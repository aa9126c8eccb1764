// Pictures to tensors and back. Networks take [N, H, W, 3] in [-1, 1].
#pragma once
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "tensor/tensor.h"

namespace kintsugi {

/// [N, h, w, c] f32, x = (v - 0.5) / 0.5. Throws Error for no picture and when sizes differ.
Tensor to_tensor(std::span<const Image> images);
inline Tensor to_tensor(const Image& image) { return to_tensor(std::span(&image, 1)); }

/// Picture n of a batch [N, h, w, c] (f32 or f64) or a single [h, w, c]: clamped to [-1, 1], then (x + 1) / 2. Throws Error when
/// there is no such picture.
Image to_image(const Tensor& batch, int64_t n = 0);

struct Batch {
  Tensor gt, lq;  // [N, h, w, 3] f32; one and the same tensor when nothing degrades
  std::vector<std::string> names;
  std::vector<int64_t> indices;  // of the samples in their dataset
  std::vector<bool> mirrored;
  int64_t number = 0;  // 0 is the first batch of the run
};

/// The samples (epoch, index) in that order. Throws Error when their sizes differ.
Batch make_batch(const Dataset& dataset, std::span<const std::pair<uint64_t, int64_t>> samples);

}  // namespace kintsugi
