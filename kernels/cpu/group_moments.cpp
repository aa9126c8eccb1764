#include "kernels/cpu/group_moments.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "kernels/cpu/group_norm_simd.h"
#include "kernels/cpu/strips.h"

namespace kintsugi::cpu {
namespace {

template <class T>
void plain(const GroupMoments& a) {
  const T* x = static_cast<const T*>(a.x);
  const int64_t width = a.channels / a.groups;
  const double count = double(a.positions) * double(width);
  parallel_for(a.n * a.groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* first = x + i / a.groups * a.positions * a.channels + i % a.groups * width;
      const auto sum = [&](auto&& term) {
        double s = 0;
        for (int64_t p = 0; p < a.positions; ++p)
          for (int64_t c = 0; c < width; ++c) s += term(double(first[p * a.channels + c]));
        return s;
      };
      const double mean = sum([](double v) { return v; }) / count;
      a.moments[2 * i] = mean;
      a.moments[2 * i + 1] = sum([&](double v) { return (v - mean) * (v - mean); }) / count;
    }
  });
}

struct Moments {
  double mean, squares;  // squares: sum of (x - mean)^2
};

/// Moments of every group over one strip. The first pass finds a shift near the mean; the second sums deviations from
/// it, which are small even where the mean is large, and what it finds left of the mean corrects the shift.
void strip_moments(const float* x, int64_t rows, int64_t channels, int64_t groups, float* scratch, Moments* out) {
  float *shift = scratch, *sum = scratch + channels, *squares = scratch + 2 * channels;
  const int64_t width = channels / groups;
  const double count = double(rows) * double(width);
  auto group_sum = [&](const float* v, int64_t g) {
    double s = 0;
    for (int64_t c = g * width; c < (g + 1) * width; ++c) s += v[c];
    return s;
  };
  KIN_SIMD_PICK(group_norm_sums)(x, rows, channels, sum);
  for (int64_t g = 0; g < groups; ++g)
    std::fill(shift + g * width, shift + (g + 1) * width, float(group_sum(sum, g) / count));
  KIN_SIMD_PICK(group_norm_deviations)(x, rows, channels, shift, sum, squares);
  for (int64_t g = 0; g < groups; ++g) {
    const double rest = group_sum(sum, g);
    out[g] = {shift[g * width] + rest / count, std::max(0.0, group_sum(squares, g) - rest * rest / count)};
  }
}

}  // namespace

void group_moments_ref(const Context&, const GroupMoments& a) {
  visit_float(a.dtype, "group_moments", [&]<class T>() { plain<T>(a); });
}

void group_moments_fast(const Context&, const GroupMoments& a) {
  const float* x = static_cast<const float*>(a.x);
  const int64_t C = a.channels, G = a.groups, width = C / G;
  const Strips strips(a.n, a.positions, C);
  std::vector<Moments> partial(a.n * strips.per_sample * G);
  strips.each([&](int64_t s, int64_t, int64_t offset, int64_t rows) {
    const std::unique_ptr<float[]> scratch(new float[3 * C]);
    strip_moments(x + offset, rows, C, G, scratch.get(), &partial[s * G]);
  });
  const double count = double(a.positions) * double(width);
  const auto strip_count = [&](int64_t s) { return double(strips.rows_of(s) * width); };
  for (int64_t i = 0; i < a.n * G; ++i) {
    const Moments* of_strip = &partial[i / G * strips.per_sample * G + i % G];
    double m = 0, squares = 0;
    for (int64_t s = 0; s < strips.per_sample; ++s) m += of_strip[s * G].mean * (strip_count(s) / count);
    for (int64_t s = 0; s < strips.per_sample; ++s) {
      const double d = of_strip[s * G].mean - m;
      squares += of_strip[s * G].squares + strip_count(s) * d * d;
    }
    a.moments[2 * i] = m;
    a.moments[2 * i + 1] = squares / count;
  }
}

void normalise_plain(const InputNorm& norm, DType dtype, int64_t n, int64_t positions, int64_t channels, double* x) {
  const int64_t width = channels / norm.groups;
  visit_float(dtype, "group_norm", [&]<class T>() {
    const T *gamma = static_cast<const T*>(norm.gamma), *beta = static_cast<const T*>(norm.beta);
    for (int64_t i = 0; i < n * positions; ++i)
      for (int64_t c = 0; c < channels; ++c) {
        const double* m = norm.moments + 2 * (i / positions * norm.groups + c / width);
        double& v = x[i * channels + c];
        v = (v - m[0]) / std::sqrt(m[1] + norm.eps) * double(gamma[c]) + double(beta[c]);
        if (norm.act == Act::silu) v = v / (1 + std::exp(-v));
      }
  });
}

int64_t PieceMoments::add(int64_t image, int64_t pixels) {
  pieces_.push_back({image, pixels});
  sums_.resize(pieces_.size() * size_t(3 * channels_));
  return int64_t(pieces_.size()) - 1;
}

template <class F>
void PieceMoments::each(F&& f) const {
  const float* shift = sums_.data();
  for (const Piece& p : pieces_) {
    const float *sum = shift + channels_, *squares = sum + channels_;
    for (int64_t c = 0; c < channels_; ++c) {
      const double rest = sum[c];
      f(p.image, c, double(p.pixels), shift[c] + rest / double(p.pixels), std::max(0.0, squares[c] - rest * rest / double(p.pixels)));
    }
    shift += 3 * channels_;
  }
}

void PieceMoments::merge(int64_t images, const OutputMoments& to) const {
  const int64_t width = channels_ / to.groups;
  std::vector<double> count(images);
  for (const Piece& p : pieces_) count[p.image] += double(p.pixels * width);
  std::fill_n(to.moments, 2 * images * to.groups, 0.0);
  const auto of = [&](int64_t image, int64_t channel) { return to.moments + 2 * (image * to.groups + channel / width); };
  each([&](int64_t image, int64_t channel, double pixels, double mean, double) { of(image, channel)[0] += mean * (pixels / count[image]); });
  each([&](int64_t image, int64_t channel, double pixels, double mean, double squares) {
    double* m = of(image, channel);
    m[1] += (squares + pixels * (mean - m[0]) * (mean - m[0])) / count[image];
  });
}

}  // namespace kintsugi::cpu
