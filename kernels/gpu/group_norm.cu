// Group normalisation with an optional SiLU. Floor: x is read for the statistics and again for y, y is written: three transfers; backward five.
//
// naive: one block per (image, group). 32 groups and a few images leave most of the chip idle, and a group's channels are short runs of every
//   pixel, so each 128-byte line is fetched for a fraction of itself.
// strips: every block takes a strip of pixels with all channels (column_sums), neighbouring threads read neighbouring channels; the
//   strips' sums are added in order. Prediction: bound by memory, at the floor's transfers. Not run on a GPU.
#include "kernels/group_norm.h"

#include "kernels/gpu/group_deviations.h"
#include "kernels/simt/reduce.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

template <class T>
__device__ __forceinline__ float parameter(const T* p, int64_t c, float otherwise) { return p ? float(p[c]) : otherwise; }

__device__ __forceinline__ float sigmoid(float z) { return 1 / (1 + expf(-z)); }
__device__ __forceinline__ float activate(Act act, float z) { return act == Act::silu ? z * sigmoid(z) : z; }
__device__ __forceinline__ float slope(Act act, float z) {
  if (act == Act::none) return 1;
  const float s = sigmoid(z);
  return s * (1 + z * (1 - s));
}

// Sizes, and where element (n, position, c) and the statistics of its group stand.
struct Sizes {
  int64_t n, positions, channels, groups, width;
  template <class Args>
  static Sizes of(const Args& a) { return {a.n, a.positions, a.channels, a.groups, a.channels / a.groups}; }
  __device__ int64_t at(int64_t image, int64_t position, int64_t c) const { return (image * positions + position) * channels + c; }
  __device__ int64_t group(int64_t image, int64_t c) const { return image * groups + c / width; }
  __device__ double count() const { return double(positions) * double(width); }
};

// ---- forward -------------------------------------------------------------------------------------------------------------------

template <class T>
struct Forward {
  Sizes s;
  const T *x, *gamma, *beta;
  T* y;
  float *mean, *rstd;
  double eps;
  Act act;
  __host__ __device__ Deviations<T> deviations() const { return {x, s.positions, s.channels, s.width}; }
  __device__ float shift(int64_t image, int64_t c) const { return deviations().shift(image, c); }
  // m: the mean less the shift.
  __device__ T result(T v, int64_t c, float shift, float m, float r) const {
    return T(activate(act, (float(v) - shift - m) * r * parameter(gamma, c, 1) + parameter(beta, c, 0)));
  }
};
template <class T>
Forward<T> forward(const GroupNormFwd& a) {
  return {Sizes::of(a), static_cast<const T*>(a.x), static_cast<const T*>(a.gamma), static_cast<const T*>(a.beta), static_cast<T*>(a.y),
          static_cast<float*>(a.mean), static_cast<float*>(a.rstd), a.eps, a.act};
}

template <class T>
__global__ void __launch_bounds__(kThreads) forward_per_group(Forward<T> f) {
  const Sizes& s = f.s;
  const int64_t image = blockIdx.x / s.groups, first = blockIdx.x % s.groups * s.width;
  const int64_t rows = kThreads / s.width, columns = kThreads % s.width;
  // Calls use(offset, channel) for this thread's elements of the group: it walks kThreads on, without a division each time.
  const auto each = [&](auto&& use) {
    int64_t c = threadIdx.x % s.width;
    for (int64_t p = threadIdx.x / s.width; p < s.positions; p += rows) {
      use(s.at(image, p, first + c), first + c);
      c += columns;
      if (c >= s.width) {
        c -= s.width;
        ++p;
      }
    }
  };
  const float shift = f.shift(image, first);
  double sum = 0, squares = 0;
  each([&](int64_t i, int64_t) { sum += float(f.x[i]) - shift; });
  const double m = block_sum<kThreads>(sum) / s.count();
  each([&](int64_t i, int64_t) {
    const double d = float(f.x[i]) - shift - m;
    squares += d * d;
  });
  const float r = float(1 / sqrt(block_sum<kThreads>(squares) / s.count() + f.eps));
  if (threadIdx.x == 0) {
    f.mean[blockIdx.x] = float(shift + m);
    f.rstd[blockIdx.x] = r;
  }
  each([&](int64_t i, int64_t c) { f.y[i] = f.result(f.x[i], c, shift, float(m), r); });
}

// `rest` keeps the mean less the shift, whose digits the rounded mean has lost.
template <class T>
__global__ void __launch_bounds__(kThreads) statistics(Forward<T> f, const SumPair* channels, float* rest) {
  const int64_t g = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (g >= f.s.n * f.s.groups) return;
  const GroupMoment m = group_moment(channels + g * f.s.width, f.s.width, f.s.positions);
  rest[g] = float(m.rest);
  f.mean[g] = float(f.shift(g / f.s.groups, g % f.s.groups * f.s.width) + m.rest);
  f.rstd[g] = float(1 / sqrt(m.variance + f.eps));
}

template <class T>
__global__ void __launch_bounds__(kThreads) apply(Forward<T> f, const float* rest, int64_t elements) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= elements) return;
  const int64_t c = i % f.s.channels, image = i / (f.s.positions * f.s.channels), g = f.s.group(image, c);
  f.y[i] = f.result(f.x[i], c, f.shift(image, c), rest[g], f.rstd[g]);
}

// ---- backward ------------------------------------------------------------------------------------------------------------------

template <class T>
struct Backward {
  Sizes s;
  const T *gy, *x, *gamma, *beta;
  const float *mean, *rstd;
  T *gx, *ggamma, *gbeta;
  Act act;
  struct Element {
    float gz, xhat;
  };
  __device__ Element element(int64_t i, int64_t image, int64_t c) const {
    const int64_t g = s.group(image, c);
    const float xhat = (float(x[i]) - mean[g]) * rstd[g];
    return {float(gy[i]) * slope(act, xhat * parameter(gamma, c, 1) + parameter(beta, c, 0)), xhat};
  }
  // Of gz and of gz xhat.
  __device__ SumPair operator()(int64_t image, int64_t position, int64_t c) const {
    const Element e = element(s.at(image, position, c), image, c);
    return {e.gz, double(e.gz) * e.xhat};
  }
};
template <class T>
Backward<T> backward(const GroupNormBwd& a) {
  return {Sizes::of(a), static_cast<const T*>(a.gy), static_cast<const T*>(a.x), static_cast<const T*>(a.gamma), static_cast<const T*>(a.beta),
          static_cast<const float*>(a.mean), static_cast<const float*>(a.rstd), static_cast<T*>(a.gx), static_cast<T*>(a.ggamma), static_cast<T*>(a.gbeta), a.act};
}

// naive: one thread sums a channel of an image.
template <class T>
__global__ void __launch_bounds__(kThreads) sums_per_thread(Backward<T> b, SumPair* channels) {
  const int64_t line = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (line >= b.s.n * b.s.channels) return;
  SumPair sum{};
  for (int64_t p = 0; p < b.s.positions; ++p) sum += b(line / b.s.channels, p, line % b.s.channels);
  channels[line] = sum;
}

template <class T>
__global__ void __launch_bounds__(kThreads) parameter_gradients(Backward<T> b, const SumPair* channels) {
  const int64_t c = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (c >= b.s.channels) return;
  SumPair sum{};
  for (int64_t n = 0; n < b.s.n; ++n) sum += channels[n * b.s.channels + c];
  if (b.gbeta) b.gbeta[c] = T(float(sum.a));
  if (b.ggamma) b.ggamma[c] = T(float(sum.b));
}

// Means over a group of gamma gz and of gamma gz xhat.
template <class T>
__global__ void __launch_bounds__(kThreads) group_means(Backward<T> b, const SumPair* channels, float2* means) {
  const int64_t g = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (g >= b.s.n * b.s.groups) return;
  const int64_t first = g % b.s.groups * b.s.width;
  double sum = 0, dot = 0;
  for (int64_t k = 0; k < b.s.width; ++k) {
    const double scale = parameter(b.gamma, first + k, 1);
    sum += scale * channels[g * b.s.width + k].a;
    dot += scale * channels[g * b.s.width + k].b;
  }
  means[g] = make_float2(float(sum / b.s.count()), float(dot / b.s.count()));
}

template <class T>
__global__ void __launch_bounds__(kThreads) input_gradient(Backward<T> b, const float2* means, int64_t elements) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= elements) return;
  const int64_t c = i % b.s.channels, image = i / (b.s.positions * b.s.channels), g = b.s.group(image, c);
  const auto e = b.element(i, image, c);
  b.gx[i] = T(b.rstd[g] * (parameter(b.gamma, c, 1) * e.gz - means[g].x - e.xhat * means[g].y));
}

void run_backward(const Context& context, const GroupNormBwd& a, bool strips) {
  visit_f32_or_bf16(a.dtype, "group_norm_bwd", [&]<class T>() {
    const Backward<T> b = backward<T>(a);
    const int64_t lines = a.n * a.channels, groups = a.n * a.groups, elements = lines * a.positions;
    const DeviceBlock sums(context.device, size_t(lines) * sizeof(SumPair), context.stream);
    SumPair* channels = static_cast<SumPair*>(sums.data());
    if (strips) column_sums(context, a.n, a.positions, a.channels, b, StorePair{channels});
    else launch({blocks_for(lines, kThreads), kThreads, 0, context.stream}, sums_per_thread<T>, b, channels);
    if (a.ggamma || a.gbeta)
      launch({blocks_for(a.channels, kThreads), kThreads, 0, context.stream}, parameter_gradients<T>, b, static_cast<const SumPair*>(channels));
    if (!a.gx) return;
    const DeviceBlock block(context.device, size_t(groups) * sizeof(float2), context.stream);
    float2* means = static_cast<float2*>(block.data());
    launch({blocks_for(groups, kThreads), kThreads, 0, context.stream}, group_means<T>, b, static_cast<const SumPair*>(channels), means);
    launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, input_gradient<T>, b, static_cast<const float2*>(means), elements);
  });
}

}  // namespace

void group_norm_fwd_naive(const Context& context, const GroupNormFwd& a) {
  visit_f32_or_bf16(a.dtype, "group_norm_fwd",
                    [&]<class T>() { launch({unsigned(a.n * a.groups), kThreads, 0, context.stream}, forward_per_group<T>, forward<T>(a)); });
}

void group_norm_fwd_strips(const Context& context, const GroupNormFwd& a) {
  visit_f32_or_bf16(a.dtype, "group_norm_fwd", [&]<class T>() {
    const Forward<T> f = forward<T>(a);
    const int64_t lines = a.n * a.channels, elements = lines * a.positions;
    const DeviceBlock sums(context.device, size_t(lines) * sizeof(SumPair), context.stream);
    SumPair* channels = static_cast<SumPair*>(sums.data());
    const DeviceBlock means(context.device, size_t(a.n * a.groups) * sizeof(float), context.stream);
    float* rest = static_cast<float*>(means.data());
    column_sums(context, a.n, a.positions, a.channels, f.deviations(), StorePair{channels});
    launch({blocks_for(a.n * a.groups, kThreads), kThreads, 0, context.stream}, statistics<T>, f, static_cast<const SumPair*>(channels), rest);
    launch({blocks_for(elements, kThreads), kThreads, 0, context.stream}, apply<T>, f, static_cast<const float*>(rest), elements);
  });
}

void group_norm_bwd_naive(const Context& context, const GroupNormBwd& a) { run_backward(context, a, false); }
void group_norm_bwd_strips(const Context& context, const GroupNormBwd& a) { run_backward(context, a, true); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
