#include "kernels/resample_taps.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

// Collects one output cell after the other. Taps that clamping sent to the same source are merged and zero weights dropped,
// so that an identity axis has one unit tap per cell.
class Builder {
 public:
  Builder(int64_t in, int64_t out) {
    taps_.in = in;
    taps_.out = out;
    taps_.offset.reserve(out + 1);
    taps_.offset.push_back(0);
  }
  void tap(int64_t index, double weight) {
    for (auto t = size_t(taps_.offset.back()); t < taps_.index.size(); ++t)
      if (taps_.index[t] == index) {
        taps_.weight[t] += weight;
        return;
      }
    if (weight == 0) return;
    taps_.index.push_back(int32_t(index));
    taps_.weight.push_back(weight);
  }
  void end_cell() { taps_.offset.push_back(int32_t(taps_.index.size())); }
  ResampleTaps take() { return std::move(taps_); }

 private:
  ResampleTaps taps_;
};

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// Keys, "Cubic convolution interpolation for digital image processing" (1981).
double keys_cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((x - 5) * x + 8) * x * a - 4 * a;
  return 0;
}

void nearest(Builder& b, int64_t in, int64_t out, double scale) {
  for (int64_t i = 0; i < out; ++i) {
    const int64_t source = out == in ? i : out == 2 * in ? i / 2 : int64_t(std::floor(float(i) * float(scale)));
    b.tap(std::min(source, in - 1), 1);
    b.end_cell();
  }
}

void area(Builder& b, int64_t in, int64_t out) {
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    for (int64_t s = begin; s < end; ++s) b.tap(s, 1.0 / double(end - begin));
    b.end_cell();
  }
}

void bilinear(Builder& b, int64_t in, int64_t out, double scale, bool align_corners) {
  for (int64_t i = 0; i < out; ++i) {
    const double source = align_corners ? scale * double(i) : std::max(0.0, scale * (double(i) + 0.5) - 0.5);
    const int64_t low = std::min(int64_t(source), in - 1), high = std::min(low + 1, in - 1);
    const double t = std::clamp(source - double(low), 0.0, 1.0);
    b.tap(low, 1 - t);
    b.tap(high, t);
    b.end_cell();
  }
}

void bicubic(Builder& b, int64_t in, int64_t out, double scale, bool align_corners) {
  for (int64_t i = 0; i < out; ++i) {
    const double source = align_corners ? scale * double(i) : scale * (double(i) + 0.5) - 0.5;
    const double low = std::floor(source);
    for (int k = -1; k <= 2; ++k)
      b.tap(std::clamp(int64_t(low) + k, int64_t(0), in - 1), keys_cubic(source - (low + k), -0.75));
    b.end_cell();
  }
}

void antialiased(Builder& b, ResizeMode mode, int64_t in, int64_t out, double scale) {
  const double stretch = std::max(scale, 1.0);
  const double support = (mode == ResizeMode::bilinear ? 1.0 : 2.0) * stretch;
  std::vector<double> weights;
  for (int64_t i = 0; i < out; ++i) {
    const double centre = scale * (double(i) + 0.5);
    const int64_t begin = std::max(int64_t(centre - support + 0.5), int64_t(0));
    const int64_t end = std::min(int64_t(centre + support + 0.5), in);
    weights.clear();
    double total = 0;
    for (int64_t s = begin; s < end; ++s) {
      const double x = (double(s) - centre + 0.5) / stretch;
      weights.push_back(mode == ResizeMode::bilinear ? triangle(x) : keys_cubic(x, -0.5));
      total += weights.back();
    }
    for (int64_t s = begin; s < end; ++s) b.tap(s, weights[size_t(s - begin)] / total);
    b.end_cell();
  }
}

}  // namespace

const char* name(ResizeMode mode) {
  switch (mode) {
    case ResizeMode::nearest: return "nearest";
    case ResizeMode::bilinear: return "bilinear";
    case ResizeMode::bicubic: return "bicubic";
    case ResizeMode::area: return "area";
  }
  return "?";
}

ResampleTaps ResampleTaps::transposed() const {
  ResampleTaps t;
  t.in = out;
  t.out = in;
  t.offset.assign(size_t(in) + 1, 0);
  for (const int32_t s : index) ++t.offset[size_t(s) + 1];
  for (int64_t s = 0; s < in; ++s) t.offset[size_t(s) + 1] += t.offset[size_t(s)];
  t.index.resize(index.size());
  t.weight.resize(weight.size());
  std::vector<int32_t> next(t.offset.begin(), t.offset.end() - 1);
  for (int64_t i = 0; i < out; ++i)
    for (int32_t k = offset[size_t(i)]; k < offset[size_t(i) + 1]; ++k) {
      const auto place = size_t(next[size_t(index[size_t(k)])]++);
      t.index[place] = int32_t(i);
      t.weight[place] = weight[size_t(k)];
    }
  return t;
}

ResampleTaps resize_taps(ResizeMode mode, int64_t in, int64_t out, bool align_corners, bool antialias,
                         std::optional<double> scale_factor) {
  KIN_CHECK(in > 0 && out > 0, "resize_taps: sizes must be positive, got ", in, " to ", out);
  const bool interpolates = mode == ResizeMode::bilinear || mode == ResizeMode::bicubic;
  const double scale = align_corners && interpolates ? (out > 1 ? double(in - 1) / double(out - 1) : 0.0)
                       : scale_factor                ? 1 / *scale_factor
                                                     : double(in) / double(out);
  Builder b(in, out);
  if (mode == ResizeMode::nearest) nearest(b, in, out, scale);
  else if (mode == ResizeMode::area) area(b, in, out);
  else if (antialias) antialiased(b, mode, in, out, scale);
  else if (mode == ResizeMode::bilinear) bilinear(b, in, out, scale, align_corners);
  else bicubic(b, in, out, scale, align_corners);
  return b.take();
}

ResampleTaps avg_pool_taps(int64_t in, int64_t kernel, int64_t stride, int64_t pad, bool count_include_pad) {
  KIN_CHECK(kernel > 0 && stride > 0 && pad >= 0 && 2 * pad <= kernel && in + 2 * pad >= kernel, "avg_pool_taps: kernel ", kernel,
            ", stride ", stride, ", pad ", pad, " do not fit a size of ", in);
  const int64_t out = (in + 2 * pad - kernel) / stride + 1;
  Builder b(in, out);
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = std::max(i * stride - pad, int64_t(0)), end = std::min(i * stride - pad + kernel, in);
    for (int64_t s = begin; s < end; ++s) b.tap(s, 1.0 / double(count_include_pad ? kernel : end - begin));
    b.end_cell();
  }
  return b.take();
}

}  // namespace kintsugi
