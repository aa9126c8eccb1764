#include "data/batch.h"

#include <algorithm>

#include "kernels/base/error.h"

namespace kintsugi {

Tensor to_tensor(std::span<const Image> images) {
  KIN_CHECK(!images.empty(), "to_tensor: at least one image is needed");
  const Image& first = images[0];
  Tensor out({int64_t(images.size()), first.h, first.w, first.c});
  float* to = out.data<float>();
  for (const Image& image : images) {
    KIN_CHECK(image.h == first.h && image.w == first.w && image.c == first.c, "to_tensor: all images must have one size, got ",
              first.h, "x", first.w, "x", first.c, " and ", image.h, "x", image.w, "x", image.c);
    for (float v : image.pixels) *to++ = (v - 0.5f) / 0.5f;
  }
  return out;
}

Image to_image(const Tensor& batch, int64_t n) {
  KIN_CHECK(batch.rank() == 3 || batch.rank() == 4, "to_image: batch must be [N,h,w,c] or [h,w,c], got ", batch);
  const int64_t count = batch.rank() == 4 ? batch.dim(0) : 1;
  KIN_CHECK(n >= 0 && n < count, "to_image: picture must be in [0,", count, "), got ", n);
  Image out(int(batch.dim(-3)), int(batch.dim(-2)), int(batch.dim(-1)));
  const Tensor here = batch.host();
  visit_float(batch.dtype(), "to_image", [&]<class T>() {
    const T* from = here.data<T>() + n * int64_t(out.pixels.size());
    for (size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = float((std::clamp(from[i], T(-1), T(1)) + 1) / 2);
  });
  return out;
}

Batch make_batch(const Dataset& dataset, std::span<const std::pair<uint64_t, int64_t>> samples) {
  Batch batch;
  std::vector<Image> gt, lq;
  for (const auto& [epoch, index] : samples) {
    Sample s = dataset.get(epoch, index);
    gt.push_back(std::move(s.gt));
    if (!s.lq.empty()) lq.push_back(std::move(s.lq));
    batch.names.push_back(std::move(s.name));
    batch.indices.push_back(index);
    batch.mirrored.push_back(s.mirrored);
  }
  KIN_CHECK(lq.empty() || lq.size() == gt.size(), "make_batch: ", lq.size(), " of ", gt.size(), " samples have a degraded picture");
  batch.gt = to_tensor(gt);
  batch.lq = lq.empty() ? batch.gt : to_tensor(lq);
  return batch;
}

}  // namespace kintsugi
