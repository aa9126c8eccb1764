// Group normalisation on the CPU: the reference loops, and the rows that split the work of group_norm.simd.cpp.
#include "kernels/group_norm.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cpu/group_norm_simd.h"

namespace kintsugi {
namespace cpu {
namespace {

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }
double activate(Act act, double z) { return act == Act::silu ? z * sigmoid(z) : z; }
double activate_slope(Act act, double z) {
  if (act == Act::none) return 1;
  const double s = sigmoid(z);
  return s * (1 + z * (1 - s));
}

/// Calls f(offset in x, channel) for every element of group g of sample n.
template <class Args, class F>
void each_of_group(const Args& a, int64_t n, int64_t g, F&& f) {
  const int64_t width = a.channels / a.groups;
  for (int64_t p = 0; p < a.positions; ++p)
    for (int64_t c = g * width; c < (g + 1) * width; ++c) f((n * a.positions + p) * a.channels + c, c);
}

template <class T>
void forward_ref(const GroupNormFwd& a) {
  const T *x = static_cast<const T*>(a.x), *gamma = static_cast<const T*>(a.gamma), *beta = static_cast<const T*>(a.beta);
  T *y = static_cast<T*>(a.y), *mean = static_cast<T*>(a.mean), *rstd = static_cast<T*>(a.rstd);
  const double count = double(a.positions) * double(a.channels / a.groups);
  for (int64_t n = 0; n < a.n; ++n)
    for (int64_t g = 0; g < a.groups; ++g) {
      double sum = 0, squares = 0;
      each_of_group(a, n, g, [&](int64_t i, int64_t) { sum += double(x[i]); });
      const double m = sum / count;
      each_of_group(a, n, g, [&](int64_t i, int64_t) { squares += (x[i] - m) * (x[i] - m); });
      const double r = 1 / std::sqrt(squares / count + a.eps);
      each_of_group(a, n, g, [&](int64_t i, int64_t c) {
        const double z = (x[i] - m) * r * (gamma ? double(gamma[c]) : 1) + (beta ? double(beta[c]) : 0);
        y[i] = T(activate(a.act, z));
      });
      mean[n * a.groups + g] = T(m);
      rstd[n * a.groups + g] = T(r);
    }
}

template <class T>
void backward_ref(const GroupNormBwd& a) {
  const T *gy = static_cast<const T*>(a.gy), *x = static_cast<const T*>(a.x);
  const T *gamma = static_cast<const T*>(a.gamma), *beta = static_cast<const T*>(a.beta);
  const T *mean = static_cast<const T*>(a.mean), *rstd = static_cast<const T*>(a.rstd);
  T *gx = static_cast<T*>(a.gx), *ggamma = static_cast<T*>(a.ggamma), *gbeta = static_cast<T*>(a.gbeta);
  const double count = double(a.positions) * double(a.channels / a.groups);
  std::vector<double> gamma_sums(a.channels), beta_sums(a.channels);
  for (int64_t n = 0; n < a.n; ++n)
    for (int64_t g = 0; g < a.groups; ++g) {
      const double m = mean[n * a.groups + g], r = rstd[n * a.groups + g];
      auto scale = [&](int64_t c) { return gamma ? double(gamma[c]) : 1; };
      auto xhat = [&](int64_t i) { return (x[i] - m) * r; };
      auto gz = [&](int64_t i, int64_t c) {
        return gy[i] * activate_slope(a.act, xhat(i) * scale(c) + (beta ? double(beta[c]) : 0));
      };
      double sum = 0, dot = 0;
      each_of_group(a, n, g, [&](int64_t i, int64_t c) {
        const double d = gz(i, c), h = xhat(i);
        sum += scale(c) * d;
        dot += scale(c) * d * h;
        gamma_sums[c] += d * h;
        beta_sums[c] += d;
      });
      if (gx)
        each_of_group(a, n, g, [&](int64_t i, int64_t c) {
          gx[i] = T(r * (scale(c) * gz(i, c) - (sum + xhat(i) * dot) / count));
        });
    }
  for (int64_t c = 0; c < a.channels; ++c) {
    if (ggamma) ggamma[c] = T(gamma_sums[c]);
    if (gbeta) gbeta[c] = T(beta_sums[c]);
  }
}

/// Positions of a sample in pieces of about 64 KiB, so that a second pass over a strip finds it in cache.
struct Strips {
  int64_t rows, per_sample;
  template <class Args>
  explicit Strips(const Args& a)
      : rows(std::max<int64_t>(1, 16384 / std::max<int64_t>(1, a.channels))), per_sample((a.positions + rows - 1) / rows) {}

  /// f(strip, sample, offset of the first element, rows of this strip), in parallel.
  template <class Args, class F>
  void each(const Args& a, F&& f) const {
    parallel_for(a.n * per_sample, grain_for(std::min(rows, a.positions) * a.channels * 8), [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        const int64_t n = s / per_sample, first = (s % per_sample) * rows;
        f(s, n, (n * a.positions + first) * a.channels, std::min(rows, a.positions - first));
      }
    });
  }
};

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

void group_norm_fwd_ref(const Context&, const GroupNormFwd& a) {
  visit_float(a.dtype, "group_norm_fwd", [&]<class T>() { forward_ref<T>(a); });
}

void group_norm_bwd_ref(const Context&, const GroupNormBwd& a) {
  visit_float(a.dtype, "group_norm_bwd", [&]<class T>() { backward_ref<T>(a); });
}

void group_norm_fwd_fast(const Context&, const GroupNormFwd& a) {
  const float *x = static_cast<const float*>(a.x), *gamma = static_cast<const float*>(a.gamma);
  const float* beta = static_cast<const float*>(a.beta);
  float *y = static_cast<float*>(a.y), *mean = static_cast<float*>(a.mean), *rstd = static_cast<float*>(a.rstd);
  const int64_t C = a.channels, G = a.groups, width = C / G;
  const Strips strips(a);

  std::vector<Moments> partial(a.n * strips.per_sample * G);
  strips.each(a, [&](int64_t s, int64_t, int64_t offset, int64_t rows) {
    const std::unique_ptr<float[]> scratch(new float[3 * C]);
    strip_moments(x + offset, rows, C, G, scratch.get(), &partial[s * G]);
  });

  // y = (x - shift) * scale + bias with shift the mean in f32; what f32 cannot hold of the mean goes into the bias.
  std::vector<float> shift(a.n * C), scale(a.n * C), bias(a.n * C);
  for (int64_t n = 0; n < a.n; ++n)
    for (int64_t g = 0; g < G; ++g) {
      const Moments* of_strip = &partial[n * strips.per_sample * G + g];
      const double count = double(a.positions) * double(width);
      auto strip_count = [&](int64_t s) { return double(std::min(strips.rows, a.positions - s * strips.rows) * width); };
      double m = 0, squares = 0;
      for (int64_t s = 0; s < strips.per_sample; ++s) m += of_strip[s * G].mean * (strip_count(s) / count);
      for (int64_t s = 0; s < strips.per_sample; ++s) {
        const double d = of_strip[s * G].mean - m;
        squares += of_strip[s * G].squares + strip_count(s) * d * d;
      }
      const double r = 1 / std::sqrt(squares / count + a.eps);
      mean[n * G + g] = float(m);
      rstd[n * G + g] = float(r);
      for (int64_t c = g * width; c < (g + 1) * width; ++c) {
        const double k = r * (gamma ? double(gamma[c]) : 1);
        shift[n * C + c] = float(m);
        scale[n * C + c] = float(k);
        bias[n * C + c] = float((beta ? double(beta[c]) : 0) - (m - float(m)) * k);
      }
    }

  strips.each(a, [&](int64_t, int64_t n, int64_t offset, int64_t rows) {
    KIN_SIMD_PICK(group_norm_apply)
    (x + offset, y + offset, rows, C, &shift[n * C], &scale[n * C], &bias[n * C], a.act == Act::silu);
  });
}

void group_norm_bwd_fast(const Context&, const GroupNormBwd& a) {
  const float *gy = static_cast<const float*>(a.gy), *x = static_cast<const float*>(a.x);
  const float *gamma = static_cast<const float*>(a.gamma), *beta = static_cast<const float*>(a.beta);
  const float *mean = static_cast<const float*>(a.mean), *rstd = static_cast<const float*>(a.rstd);
  const int64_t C = a.channels, G = a.groups, width = C / G;
  const Strips strips(a);
  const bool silu = a.act == Act::silu;

  // Per sample and channel: mean, rstd, gamma, beta; then what the input gradient needs of the sums.
  enum { kMean, kRstd, kGamma, kBeta, kSum, kDot, kArrays };
  std::vector<float> coefficients(a.n * kArrays * C);
  auto array = [&](int64_t n, int which) { return &coefficients[(n * kArrays + which) * C]; };
  for (int64_t n = 0; n < a.n; ++n)
    for (int64_t c = 0; c < C; ++c) {
      array(n, kMean)[c] = mean[n * G + c / width];
      array(n, kRstd)[c] = rstd[n * G + c / width];
      array(n, kGamma)[c] = gamma ? gamma[c] : 1;
      array(n, kBeta)[c] = beta ? beta[c] : 0;
    }

  const std::unique_ptr<float[]> partial(new float[a.n * strips.per_sample * 2 * C]);  // sum gz, sum gz xhat
  strips.each(a, [&](int64_t s, int64_t n, int64_t offset, int64_t rows) {
    KIN_SIMD_PICK(group_norm_channel_grads)
    (gy + offset, x + offset, rows, C, array(n, kMean), silu, &partial[s * 2 * C], &partial[(s * 2 + 1) * C]);
  });

  std::vector<double> gamma_sums(C), beta_sums(C), sums(C), dots(C);
  const double count = double(a.positions) * double(width);
  for (int64_t n = 0; n < a.n; ++n) {
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(dots.begin(), dots.end(), 0.0);
    for (int64_t s = 0; s < strips.per_sample; ++s) {
      const float* p = &partial[(n * strips.per_sample + s) * 2 * C];
      for (int64_t c = 0; c < C; ++c) sums[c] += p[c], dots[c] += p[C + c];
    }
    for (int64_t c = 0; c < C; ++c) beta_sums[c] += sums[c], gamma_sums[c] += dots[c];
    for (int64_t g = 0; g < G; ++g) {
      double sum = 0, dot = 0;
      for (int64_t c = g * width; c < (g + 1) * width; ++c) {
        sum += double(array(n, kGamma)[c]) * sums[c];
        dot += double(array(n, kGamma)[c]) * dots[c];
      }
      std::fill_n(array(n, kSum) + g * width, width, float(sum / count));
      std::fill_n(array(n, kDot) + g * width, width, float(dot / count));
    }
  }
  for (int64_t c = 0; c < C; ++c) {
    if (a.ggamma) static_cast<float*>(a.ggamma)[c] = float(gamma_sums[c]);
    if (a.gbeta) static_cast<float*>(a.gbeta)[c] = float(beta_sums[c]);
  }
  if (!a.gx) return;
  strips.each(a, [&](int64_t, int64_t n, int64_t offset, int64_t rows) {
    KIN_SIMD_PICK(group_norm_input_grad)
    (gy + offset, x + offset, static_cast<float*>(a.gx) + offset, rows, C, array(n, kMean), silu);
  });
}

}  // namespace cpu
}  // namespace kintsugi
