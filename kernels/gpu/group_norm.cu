// Group normalisation with an optional SiLU. Floor: x is read for the statistics and again for y, y is written: three transfers; backward five.
// Where the moments of x are known beforehand, as behind a convolution that left them, two: 64 channels at 512 x 512, batch 16, bf16: 250 us in place of
// 375 at 4.3 TB/s.
//
// naive: one block per (image, group). 32 groups and a few images leave most of the chip idle, and a group's channels are short runs of every
//   pixel, so each 128-byte line is fetched for a fraction of itself.
// strips: every block takes a strip of pixels with all channels (column_sums), neighbouring threads read neighbouring channels; the
//   strips' sums are added in order. y is written by blocks whose threads keep to their channels, 16 bytes at a time, for a division or a parameter per
//   element would cost more than its bytes. Prediction: bound by memory, at the floor's transfers; 280 us of 250 where the moments are known. Not run on a GPU.
#include "kernels/group_norm.h"

#include "kernels/gpu/group_deviations.h"
#include "kernels/gpu_rows.h"
#include "kernels/simt/pack.h"
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
  const double* moments;
  Deviations<T> deviations() const { return {x, s.positions, s.channels, s.width}; }
  // rest: what the mean has lost by rounding to m. An element near m has an exact difference from it.
  __device__ T result(T v, int64_t c, float m, float rest, float r) const {
    return T(activate(act, (float(v) - m - rest) * r * parameter(gamma, c, 1) + parameter(beta, c, 0)));
  }
};
template <class T>
Forward<T> forward(const GroupNormFwd& a) {
  return {Sizes::of(a), static_cast<const T*>(a.x), static_cast<const T*>(a.gamma), static_cast<const T*>(a.beta), static_cast<T*>(a.y),
          static_cast<float*>(a.mean), static_cast<float*>(a.rstd), a.eps, a.act, a.moments};
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
  GroupMoment m;
  if (f.moments) {
    m = KnownMoments{f.moments}(blockIdx.x);
  } else {
    const float shift = float(f.x[s.at(image, 0, first)]);
    double sum = 0, squares = 0;
    each([&](int64_t i, int64_t) { sum += float(f.x[i]) - shift; });
    const double rest = block_sum<kThreads>(sum) / s.count();
    each([&](int64_t i, int64_t) {
      const double d = float(f.x[i]) - shift - rest;
      squares += d * d;
    });
    m = {shift + rest, block_sum<kThreads>(squares) / s.count()};
  }
  const float mean = float(m.mean), rest = float(m.mean - mean), r = float(1 / sqrt(m.variance + f.eps));
  if (threadIdx.x == 0) {
    f.mean[blockIdx.x] = mean;
    f.rstd[blockIdx.x] = r;
  }
  each([&](int64_t i, int64_t c) { f.y[i] = f.result(f.x[i], c, mean, rest, r); });
}

// What the forward keeps of moments M, and in `rest` the digits that the mean has lost by rounding.
template <class T, class M>
__global__ void __launch_bounds__(kThreads) statistics(Forward<T> f, M moments, float* rest) {
  const int64_t g = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (g >= f.s.n * f.s.groups) return;
  const GroupMoment m = moments(g);
  const float mean = float(m.mean);
  rest[g] = float(m.mean - mean);
  f.mean[g] = mean;
  f.rstd[g] = float(1 / sqrt(m.variance + f.eps));
}

constexpr int kRows = 8;  // positions of a thread

// Blocks of kRows * rows positions times at most kThreads chunks of kVector channels; a thread keeps to its channels, so that what it knows of them is
// worked out once.
struct ApplyGrid {
  int chunks, tiles, rows;  // chunks of a line, blocks along it, lines side by side in a block
  int64_t strips;           // blocks along the positions
  ApplyGrid(const Sizes& s, int vector)
      : chunks(int(s.channels / vector)), tiles((chunks + kThreads - 1) / kThreads), rows(chunks < kThreads ? kThreads / chunks : 1),
        strips((s.positions + kRows * rows - 1) / (kRows * rows)) {}
};
template <class T, int kVector>
__global__ void __launch_bounds__(kThreads) apply(Forward<T> f, const float* rest, ApplyGrid grid) {
  const Sizes& s = f.s;
  const int64_t line = blockIdx.x / grid.tiles, image = line / grid.strips;
  const int first = int(blockIdx.x % grid.tiles) * kThreads, left = grid.chunks - first, across = left < kThreads ? left : kThreads, t = int(threadIdx.x);
  if (t >= grid.rows * across) return;
  const int c = (first + t % across) * kVector, width = int(s.width);
  float mean[kVector], scale[kVector], bias[kVector];
#pragma unroll
  for (int v = 0; v < kVector; ++v) {
    const int64_t g = image * s.groups + (c + v) / width;
    mean[v] = f.mean[g];
    scale[v] = f.rstd[g] * parameter(f.gamma, c + v, 1);
    bias[v] = parameter(f.beta, c + v, 0) - rest[g] * scale[v];
  }
  const int64_t begin = line % grid.strips * (kRows * grid.rows) + t / across;
#pragma unroll 4
  for (int i = 0; i < kRows; ++i) {
    const int64_t p = begin + i * grid.rows;
    if (p >= s.positions) break;
    const auto result = [&](T x, int v) { return T(activate(f.act, (float(x) - mean[v]) * scale[v] + bias[v])); };
    const int64_t at = s.at(image, p, c);
    if constexpr (kVector == 1) {
      f.y[at] = result(f.x[at], 0);
    } else {
      auto pack = load_pack<kVector>(f.x + at);
#pragma unroll
      for (int v = 0; v < kVector; ++v) pack[v] = result(pack[v], v);
      store_pack(f.y + at, pack);
    }
  }
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
    const int64_t groups = a.n * a.groups;
    const DeviceBlock block(context.device, size_t(groups) * sizeof(float), context.stream);
    float* rest = static_cast<float*>(block.data());
    const auto keep = [&]<class M>(const M& moments) {
      launch({blocks_for(groups, kThreads), kThreads, 0, context.stream}, statistics<T, M>, f, moments, rest);
    };
    if (a.moments) {
      keep(KnownMoments{a.moments});
    } else {
      const DeviceBlock room(context.device, size_t(a.n * a.channels) * sizeof(SumPair), context.stream);
      SumPair* sums = static_cast<SumPair*>(room.data());
      column_sums(context, a.n, a.positions, a.channels, f.deviations(), StorePair{sums});
      keep(MomentsOfSums<Deviations<T>>{f.deviations(), sums});
    }
    const auto run = [&]<int kVector>() {
      const ApplyGrid grid(f.s, kVector);
      launch({unsigned(a.n * grid.strips * grid.tiles), kThreads, 0, context.stream}, apply<T, kVector>, f, static_cast<const float*>(rest), grid);
    };
    if (a.channels % kPack<T> == 0 && aligned16(a.x, a.y)) run.template operator()<kPack<T>>();
    else run.template operator()<1>();
  });
}

void group_norm_bwd_naive(const Context& context, const GroupNormBwd& a) { run_backward(context, a, false); }
void group_norm_bwd_strips(const Context& context, const GroupNormBwd& a) { run_backward(context, a, true); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
