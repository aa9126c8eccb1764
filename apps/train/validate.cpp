#include "apps/train/validate.h"

#include <algorithm>

#include "data/batch.h"
#include "data/metrics.h"
#include "data/sheet.h"
#include "nn/evaluating.h"

namespace kintsugi {
namespace {

constexpr int64_t kBatch = 8;
constexpr int kSheetGap = 2;

// Sums while faces go by; divides at the end.
struct Average {
  Quality sum;
  int64_t count = 0;
  void add(const Image& a, const Image& truth) {
    sum.psnr += psnr(a, truth);
    sum.ssim += ssim(a, truth);
    ++count;
  }
  Quality mean() const { return {sum.psnr / double(count), sum.ssim / double(count)}; }
};

template <class Visit>
void for_each_batch(const Dataset& faces, const Poll& poll, Visit&& visit) {
  for (int64_t begin = 0; begin < faces.size(); begin += kBatch) {
    poll();
    std::vector<std::pair<uint64_t, int64_t>> samples;
    for (int64_t i = begin; i < std::min(begin + kBatch, faces.size()); ++i) samples.emplace_back(0, i);
    visit(make_batch(faces, samples));
  }
}

int64_t equal_count(const Tensor& a, const Tensor& b) {
  const Tensor here_a = a.host(), here_b = b.host();
  const auto x = here_a.span<int64_t>(), y = here_b.span<int64_t>();
  int64_t n = 0;
  for (size_t i = 0; i < x.size(); ++i) n += x[i] == y[i];
  return n;
}

}  // namespace

Validation validate(const CodeFormer& net, ParameterStore& store, const VQAutoEncoder& vqgan, const Dataset& faces, const std::vector<double>& ws,
                    int sheet_rows, const Poll& poll) {
  const Evaluating evaluating(store);
  const NoGrad off;
  Average degraded;
  std::vector<Average> restored(ws.size());
  int64_t tokens = 0, predicted = 0, nearest = 0;
  std::vector<Image> cells;
  for_each_batch(faces, poll, [&](const Batch& batch) {
    const Tensor gt = batch.gt.to(store.device()), lq = batch.lq.to(store.device());
    const Tensor truth = vqgan.codes(gt);
    std::vector<Tensor> images;
    for (double w : ws) {
      const CodeFormerOutput out = net(lq, {.w = w, .adain = true});
      images.push_back(out.image.value());
      if (w != ws.front()) continue;
      tokens += truth.numel();
      predicted += equal_count(out.indices.reshape(truth.shape()), truth);
      nearest += equal_count(vqgan.codes(lq), truth);
    }
    for (int64_t n = 0; n < batch.gt.dim(0); ++n) {
      const Image clean = to_image(batch.gt, n), before = to_image(batch.lq, n);
      const bool shown = int(cells.size()) < sheet_rows * int(ws.size() + 2);
      degraded.add(before, clean);
      if (shown) cells.push_back(before);
      for (size_t i = 0; i < ws.size(); ++i) {
        const Image image = to_image(images[i], n);
        restored[i].add(image, clean);
        if (shown) cells.push_back(image);
      }
      if (shown) cells.push_back(clean);
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

Reconstruction validate_vqgan(const VQAutoEncoder& net, ParameterStore& store, const Dataset& faces, int sheet_columns, const Poll& poll) {
  const Evaluating evaluating(store);
  const NoGrad off;
  Average average;
  std::vector<int64_t> codes;
  std::vector<Image> truths, results;
  for_each_batch(faces, poll, [&](const Batch& batch) {
    const auto out = net(batch.gt.to(store.device()));
    const Tensor indices = out.quantized.indices.host();
    const auto used = indices.span<int64_t>();
    codes.insert(codes.end(), used.begin(), used.end());
    for (int64_t n = 0; n < batch.gt.dim(0); ++n) {
      const Image gt = to_image(batch.gt, n), result = to_image(out.image.value(), n);
      average.add(result, gt);
      if (int(truths.size()) >= sheet_columns) continue;
      truths.push_back(gt);
      results.push_back(result);
    }
  });
  const int columns = int(truths.size());
  truths.insert(truths.end(), results.begin(), results.end());
  return {average.mean(), perplexity(Tensor::of(Shape{int64_t(codes.size())}, codes), net.args.codebook_size), tile(truths, columns, kSheetGap)};
}

}  // namespace kintsugi
