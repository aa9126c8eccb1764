#include "apps/train/validate.h"

#include <algorithm>

#include "data/batch.h"
#include "data/metrics.h"
#include "data/sheet.h"
#include "models/codeformer/stages.h"
#include "nn/evaluating.h"

namespace kintsugi {
namespace {

constexpr int64_t kBatch = 8;
constexpr int kSheetGap = 2;

// Sums while faces go by; divides at the end.
struct Average {
  const ImageMetric& lpips;
  double sum_psnr = 0, sum_ssim = 0, distance = 0;
  int64_t count = 0;
  void add(const std::vector<Image>& pictures, const std::vector<Image>& truth) {
    for (size_t i = 0; i < pictures.size(); ++i) {
      sum_psnr += psnr(pictures[i], truth[i]);
      sum_ssim += ssim(pictures[i], truth[i]);
    }
    if (lpips)
      for (const double d : lpips(to_tensor(pictures), to_tensor(truth))) distance += d;
    count += int64_t(pictures.size());
  }
  Quality mean() const {
    Quality q{sum_psnr / double(count), sum_ssim / double(count)};
    if (lpips) q.lpips = distance / double(count);
    return q;
  }
};

std::vector<Image> images_of(const Tensor& batch) {
  std::vector<Image> images;
  for (int64_t n = 0; n < batch.dim(0); ++n) images.push_back(to_image(batch, n));
  return images;
}

template <class Visit>
void for_each_batch(const Dataset& faces, const Poll& poll, Visit&& visit) {
  for (int64_t begin = 0; begin < faces.size(); begin += kBatch) {
    poll();
    std::vector<std::pair<uint64_t, int64_t>> samples;
    for (int64_t i = begin; i < std::min(begin + kBatch, faces.size()); ++i) samples.emplace_back(0, i);
    visit(make_batch(faces, samples));
  }
}

}  // namespace

Validation validate(const CodeFormer& net, ParameterStore& store, const VQAutoEncoder& vqgan, const Dataset& faces, const ImageMetric& lpips,
                    const std::vector<double>& ws, bool adain, int sheet_rows, const Poll& poll) {
  const Evaluating evaluating(store);
  const NoGrad off;
  Average degraded{lpips};
  std::vector<Average> restored(ws.size(), Average{lpips});
  int64_t tokens = 0, predicted = 0, nearest = 0;
  std::vector<Image> cells;
  for_each_batch(faces, poll, [&](const Batch& batch) {
    const Tensor gt = batch.gt.to(store.device()), lq = batch.lq.to(store.device());
    const Tensor truth = vqgan.codes(gt);
    std::vector<std::vector<Image>> images;
    for (double w : ws) {
      const CodeFormerOutput out = net(lq, {.w = w, .adain = adain});
      images.push_back(images_of(out.image.value()));
      if (w != ws.front()) continue;
      tokens += truth.numel();
      predicted += equal_codes(out.indices, truth);
      nearest += equal_codes(vqgan.codes(lq), truth);
    }
    const std::vector<Image> clean = images_of(batch.gt), before = images_of(batch.lq);
    degraded.add(before, clean);
    for (size_t i = 0; i < ws.size(); ++i) restored[i].add(images[i], clean);
    for (size_t n = 0; n < clean.size() && int(cells.size()) < sheet_rows * int(ws.size() + 2); ++n) {
      cells.push_back(before[n]);
      for (const auto& restored_by_w : images) cells.push_back(restored_by_w[n]);
      cells.push_back(clean[n]);
    }
  });
  Validation v;
  v.degraded = degraded.mean();
  v.ws = ws;
  for (const auto& r : restored) v.restored.push_back(r.mean());
  v.code_accuracy = double(predicted) / double(tokens);
  v.nearest_accuracy = double(nearest) / double(tokens);
  v.sheet = tile(cells, int(ws.size()) + 2, kSheetGap);
  return v;
}

Reconstruction validate_vqgan(const VQAutoEncoder& net, ParameterStore& store, const Dataset& faces, const ImageMetric& lpips, int sheet_columns,
                              const Poll& poll) {
  const Evaluating evaluating(store);
  const NoGrad off;
  Average average{lpips};
  std::vector<int64_t> codes;
  std::vector<Image> truths, results;
  for_each_batch(faces, poll, [&](const Batch& batch) {
    const auto out = net(batch.gt.to(store.device()));
    const Tensor indices = out.quantized.indices.host();
    const auto used = indices.span<int64_t>();
    codes.insert(codes.end(), used.begin(), used.end());
    const std::vector<Image> clean = images_of(batch.gt), redrawn = images_of(out.image.value());
    average.add(redrawn, clean);
    for (size_t n = 0; n < clean.size() && int(truths.size()) < sheet_columns; ++n) {
      truths.push_back(clean[n]);
      results.push_back(redrawn[n]);
    }
  });
  const int columns = int(truths.size());
  truths.insert(truths.end(), results.begin(), results.end());
  return {average.mean(), perplexity(Tensor::of(Shape{int64_t(codes.size())}, codes), net.args.codebook_size), tile(truths, columns, kSheetGap)};
}

}  // namespace kintsugi
