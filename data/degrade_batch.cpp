#include "data/degrade_batch.h"

#include <algorithm>

#include "data/resize.h"
#include "kernels/base/error.h"
#include "kernels/base/parallel.h"
#include "kernels/picture_blur.h"
#include "kernels/picture_levels.h"
#include "kernels/picture_noise.h"
#include "kernels/unary.h"
#include "tensor/context.h"
#include "tensor/kernel_array.h"
#include "tensor/resample_arrays.h"

namespace kintsugi {
namespace {

using Samples = std::span<const std::pair<uint64_t, int64_t>>;

void check_batch(const Tensor& gt, size_t samples) {
  KIN_CHECK(gt.rank() == 4 && gt.dim(3) == 3 && gt.numel() > 0 && gt.dtype() == DType::f32, "degrade_batch: gt must be [N,h,w,3] f32, got ", gt);
  KIN_CHECK(int64_t(samples) == gt.dim(0), "degrade_batch: ", gt.dim(0), " pictures need as many samples, got ", samples);
}

/// x [h, w, 3] to y [out_h, out_w, 3].
void resize_there(const Tensor& x, int64_t h, int64_t w, const Tensor& y, int64_t out_h, int64_t out_w) {
  const ResampleTaps rows = linear_taps(int(h), int(out_h)), columns = linear_taps(int(w), int(out_w));
  const ResampleArrays rows_there(rows, y.device()), columns_there(columns, y.device());
  resample2d(context_of(y), {x.raw(), y.raw(), 1, 3, rows_there.axis(), columns_there.axis(), DType::f32});
}

Tensor blurred(const Tensor& gt, const std::vector<Degradation>& draws, int kernel_size) {
  const int64_t n = gt.dim(0), h = gt.dim(1), w = gt.dim(2);
  const Context context = context_of(gt);
  const Tensor unit(gt.shape(), DType::f32, gt.device()), out(gt.shape(), DType::f32, gt.device());
  unary_fwd(context, {UnaryOp::affine, {0.5, 0.5}, 0, DType::f32, gt.numel(), gt.raw(), unit.raw()});
  std::vector<float> kernels;
  for (const Degradation& d : draws) {
    const Kernel k = blur_kernel(d, kernel_size);
    kernels.insert(kernels.end(), k.weights.begin(), k.weights.end());
  }
  const KernelArray<float> there(kernels, gt.device());
  picture_blur(context, {unit.raw(), out.raw(), there.data(), n, h, w, 3, kernel_size, kernel_size, DType::f32});
  return out;
}

/// Pictures of different sizes behind each other in one tensor, so that they travel together.
struct Joined {
  std::vector<int64_t> begin{0};
  Tensor values;
  Tensor operator[](size_t n) const { return values.rows(begin[n], begin[n + 1]); }
};

}  // namespace

ShrunkenPictures shrink_batch(const Tensor& gt, const DegradeOptions& options, DegradeSet set, uint64_t seed, Samples samples) {
  check_batch(gt, samples.size());
  const int h = int(gt.dim(1)), w = int(gt.dim(2));
  ShrunkenPictures out;
  Joined joined;
  std::vector<NoiseStream> streams;
  std::vector<float> sigmas;
  for (const auto& [epoch, index] : samples) {
    const Degradation d = draw_degradation(options, set, seed, epoch, uint64_t(index));
    out.draws.push_back(d);
    out.pictures.emplace_back(shrunk_side(h, d.downsample), shrunk_side(w, d.downsample));
    joined.begin.push_back(joined.begin.back() + int64_t(out.pictures.back().pixels.size()));
    streams.push_back({seed, degrade_noise(set, epoch, uint64_t(index))});
    sigmas.push_back(float(d.noise / 255));
  }
  const Tensor blur = blurred(gt, out.draws, options.kernel_size);
  joined.values = Tensor({joined.begin.back()}, DType::f32, gt.device());
  const KernelArray<NoiseStream> streams_there(streams, gt.device());
  const KernelArray<float> sigmas_there(sigmas, gt.device());
  for (size_t n = 0; n < out.pictures.size(); ++n) {
    const Image& to = out.pictures[n];
    resize_there(blur.rows(int64_t(n), int64_t(n) + 1), h, w, joined[n], to.h, to.w);
    picture_noise(context_of(gt), {joined[n].raw(), joined[n].raw(), streams_there.data() + n, sigmas_there.data() + n, 1, joined[n].numel(), DType::f32});
  }
  joined.values = joined.values.host();
  for (size_t n = 0; n < out.pictures.size(); ++n) std::copy_n(joined[n].data<float>(), joined[n].numel(), out.pictures[n].pixels.begin());
  return out;
}

Tensor finish_batch(const ShrunkenPictures& shrunken, int64_t h, int64_t w, Device device) {
  const auto count = int64_t(shrunken.pictures.size());
  std::vector<Image> compressed(shrunken.pictures.size()), coloured(shrunken.pictures.size());
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (auto n = size_t(begin); n < size_t(end); ++n) {
      compressed[n] = jpeg_round_trip(shrunken.pictures[n], shrunken.draws[n].jpeg_quality);
      if (!shrunken.draws[n].colours.any()) continue;
      coloured[n] = resize(compressed[n], int(h), int(w), Filter::linear);  // few pictures have their colours changed: here
      change_colours(coloured[n], shrunken.draws[n]);
    }
  });
  Joined joined;
  for (const Image& picture : compressed) joined.begin.push_back(joined.begin.back() + int64_t(picture.pixels.size()));
  joined.values = Tensor({joined.begin.back()});
  for (size_t n = 0; n < compressed.size(); ++n) std::copy(compressed[n].pixels.begin(), compressed[n].pixels.end(), joined[n].data<float>());
  joined.values = joined.values.to(device);
  const Tensor lq({count, h, w, 3}, DType::f32, device);
  for (size_t n = 0; n < compressed.size(); ++n) {
    Tensor to = lq.rows(int64_t(n), int64_t(n) + 1);
    if (coloured[n].empty()) resize_there(joined[n], compressed[n].h, compressed[n].w, to, h, w);
    else to.copy_(Tensor::of(to.shape(), coloured[n].pixels));
  }
  picture_levels(context_of(lq), {lq.raw(), lq.raw(), lq.numel(), DType::f32});
  return lq;
}

Tensor degrade_batch(const Tensor& gt, const DegradeOptions& options, DegradeSet set, uint64_t seed, Samples samples) {
  check_batch(gt, samples.size());
  if (gt.device().kind != DeviceKind::cpu) return finish_batch(shrink_batch(gt, options, set, seed, samples), gt.dim(1), gt.dim(2), gt.device());
  std::vector<Image> lq(samples.size());
  parallel_for(gt.dim(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      lq[size_t(n)] = degrade(to_image(gt, n), options, seed, samples[size_t(n)].first, uint64_t(samples[size_t(n)].second), set);
  });
  return to_tensor(lq);
}

}  // namespace kintsugi
