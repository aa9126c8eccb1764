// Group normalisation on the CPU: the reference loops, and the rows that split the work of group_norm.simd.cpp.
#include "kernels/group_norm.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "kernels/cpu/channel_norm.h"
#include "kernels/cpu/group_moments.h"
#include "kernels/cpu/group_norm_simd.h"
#include "kernels/cpu/strips.h"

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

/// The moments of x: those known, or what `find` leaves in `room`.
const double* moments_of(const Context& context, const GroupNormFwd& a, void (*find)(const Context&, const GroupMoments&), std::vector<double>& room) {
  if (a.moments) return a.moments;
  room.resize(size_t(2 * a.n * a.groups));
  find(context, {a.x, room.data(), a.n, a.positions, a.channels, a.groups, a.dtype});
  return room.data();
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
  std::vector<double> room;
  const double* moments = moments_of({}, a, group_moments_ref, room);
  for (int64_t n = 0; n < a.n; ++n)
    for (int64_t g = 0; g < a.groups; ++g) {
      const double *of_group = moments + 2 * (n * a.groups + g), m = of_group[0], r = 1 / std::sqrt(of_group[1] + a.eps);
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

}  // namespace

void group_norm_fwd_ref(const Context&, const GroupNormFwd& a) {
  visit_float(a.dtype, "group_norm_fwd", [&]<class T>() { forward_ref<T>(a); });
}

void group_norm_bwd_ref(const Context&, const GroupNormBwd& a) {
  visit_float(a.dtype, "group_norm_bwd", [&]<class T>() { backward_ref<T>(a); });
}

void group_norm_fwd_fast(const Context& context, const GroupNormFwd& a) {
  const float* x = static_cast<const float*>(a.x);
  float *y = static_cast<float*>(a.y), *mean = static_cast<float*>(a.mean), *rstd = static_cast<float*>(a.rstd);
  std::vector<double> room;
  const double* moments = moments_of(context, a, group_moments_fast, room);
  ChannelNorms norms(a.n, a.channels, a.groups, a.act, a.gamma, a.beta);
  for (int64_t i = 0; i < a.n * a.groups; ++i) {
    const double m = moments[2 * i], r = 1 / std::sqrt(moments[2 * i + 1] + a.eps);
    mean[i] = float(m);
    rstd[i] = float(r);
    norms.set(i / a.groups, i % a.groups, m, r);
  }
  Strips(a.n, a.positions, a.channels).each([&](int64_t, int64_t n, int64_t offset, int64_t rows) {
    norms.view().at(n).apply(x + offset, y + offset, rows, a.channels);
  });
}

void group_norm_bwd_fast(const Context&, const GroupNormBwd& a) {
  const float *gy = static_cast<const float*>(a.gy), *x = static_cast<const float*>(a.x);
  const float *gamma = static_cast<const float*>(a.gamma), *beta = static_cast<const float*>(a.beta);
  const float *mean = static_cast<const float*>(a.mean), *rstd = static_cast<const float*>(a.rstd);
  const int64_t C = a.channels, G = a.groups, width = C / G;
  const Strips strips(a.n, a.positions, C);
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
  strips.each([&](int64_t s, int64_t n, int64_t offset, int64_t rows) {
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
  strips.each([&](int64_t, int64_t n, int64_t offset, int64_t rows) {
    KIN_SIMD_PICK(group_norm_input_grad)
    (gy + offset, x + offset, static_cast<float*>(a.gx) + offset, rows, C, array(n, kMean), silu);
  });
}

}  // namespace cpu
}  // namespace kintsugi
