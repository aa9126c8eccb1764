// Multi-head attention, one block per query (and, for the gradients of keys and values, one per key). Floor at 256 tokens of 8 x 64 and batch 16:
// q, k, v read and y written once, 3.9 us; here every block reads the keys and values of its head again, from the second-level cache.
// Prediction: bound by those reads, about 30 times the floor. Not run on a GPU.
#include "kernels/attention.h"

#include "kernels/base/device_runtime.h"
#include "kernels/simt/reduce.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 128;

// Sizes, and the first channel of a token of one head. A block's number counts (n, head, token).
struct Sizes {
  int64_t queries, keys, channels, heads, width;
  float scale;
  template <class Args>
  static Sizes of(const Args& a) { return {a.queries, a.keys, a.channels, a.heads, a.channels / a.heads, float(a.scale)}; }
};
struct Place {
  int64_t n, head, token;
  __device__ Place(int64_t block, int64_t tokens, int64_t heads) : n(block / (heads * tokens)), head(block / tokens % heads), token(block % tokens) {}
  __device__ int64_t at(const Sizes& s, int64_t tokens, int64_t t) const { return (n * tokens + t) * s.channels + head * s.width; }
};

template <class T>
__device__ __forceinline__ float dot(const T* a, const T* b, int64_t width) {
  float sum = 0;
  for (int64_t d = 0; d < width; ++d) sum += float(a[d]) * float(b[d]);
  return sum;
}

// p[j] = softmax over the keys of scale q . k_j, in shared memory for the whole block; returns max + log sum, from which one key's
// weight can be had again.
template <class T>
__device__ __forceinline__ float weights(const Sizes& s, const T* q, const T* keys, float* p) {
  float most = -INFINITY, sum = 0;
  for (int64_t j = threadIdx.x; j < s.keys; j += kThreads) most = max(most, p[j] = s.scale * dot(q, keys + j * s.channels, s.width));
  most = block_reduce<kThreads, Max>(most, -INFINITY);
  for (int64_t j = threadIdx.x; j < s.keys; j += kThreads) sum += p[j] = expf(p[j] - most);
  sum = block_sum<kThreads>(sum);
  for (int64_t j = threadIdx.x; j < s.keys; j += kThreads) p[j] /= sum;
  __syncthreads();
  return most + logf(sum);
}

template <class T>
__global__ void __launch_bounds__(kThreads) forward(const T* q, const T* k, const T* v, T* y, Sizes s) {
  KIN_DYNAMIC_SHARED(float, p);
  const Place here(blockIdx.x, s.queries, s.heads);
  const int64_t query = here.at(s, s.queries, here.token), first = here.at(s, s.keys, 0);
  weights(s, q + query, k + first, p);
  for (int64_t d = threadIdx.x; d < s.width; d += kThreads) {
    float sum = 0;
    for (int64_t j = 0; j < s.keys; ++j) sum += p[j] * float(v[first + j * s.channels + d]);
    y[query + d] = T(sum);
  }
}

// Per query: gq, and what the keys' blocks need to have its weights again: (log of the denominator, rowsum(gP P)).
template <class T>
__global__ void __launch_bounds__(kThreads) backward_query(const T* gy, const T* q, const T* k, const T* v, T* gq, float2* rows, Sizes s) {
  KIN_DYNAMIC_SHARED(float, p);
  float* g = p + s.keys;
  const Place here(blockIdx.x, s.queries, s.heads);
  const int64_t query = here.at(s, s.queries, here.token), first = here.at(s, s.keys, 0);
  const float log_sum = weights(s, q + query, k + first, p);
  float row = 0;
  for (int64_t j = threadIdx.x; j < s.keys; j += kThreads) row += p[j] * (g[j] = dot(gy + query, v + first + j * s.channels, s.width));
  row = block_sum<kThreads>(row);
  if (threadIdx.x == 0) rows[blockIdx.x] = make_float2(log_sum, row);
  if (!gq) return;
  for (int64_t j = threadIdx.x; j < s.keys; j += kThreads) g[j] = s.scale * p[j] * (g[j] - row);
  __syncthreads();
  for (int64_t d = threadIdx.x; d < s.width; d += kThreads) {
    float sum = 0;
    for (int64_t j = 0; j < s.keys; ++j) sum += g[j] * float(k[first + j * s.channels + d]);
    gq[query + d] = T(sum);
  }
}

// Per key: gk and gv, summed over the queries in order.
template <class T>
__global__ void __launch_bounds__(kThreads) backward_key(const T* gy, const T* q, const T* k, const T* v, T* gk, T* gv, const float2* rows, Sizes s) {
  KIN_DYNAMIC_SHARED(float, p);
  float* g = p + s.queries;
  const Place here(blockIdx.x, s.keys, s.heads);
  const int64_t key = here.at(s, s.keys, here.token), first = here.at(s, s.queries, 0);
  for (int64_t i = threadIdx.x; i < s.queries; i += kThreads) {
    const float2 row = rows[(here.n * s.heads + here.head) * s.queries + i];
    p[i] = expf(s.scale * dot(q + first + i * s.channels, k + key, s.width) - row.x);
    g[i] = s.scale * p[i] * (dot(gy + first + i * s.channels, v + key, s.width) - row.y);
  }
  __syncthreads();
  for (int64_t d = threadIdx.x; d < s.width; d += kThreads) {
    float of_key = 0, of_value = 0;
    for (int64_t i = 0; i < s.queries; ++i) {
      of_key += g[i] * float(q[first + i * s.channels + d]);
      of_value += p[i] * float(gy[first + i * s.channels + d]);
    }
    if (gk) gk[key + d] = T(of_key);
    if (gv) gv[key + d] = T(of_value);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) mean_map(const T* q, const T* k, T* map, Sizes s) {
  KIN_DYNAMIC_SHARED(float, p);
  float* sum = p + s.keys;  // element j belongs to one thread throughout
  const int64_t n = blockIdx.x / s.queries, i = blockIdx.x % s.queries;
  for (int64_t j = threadIdx.x; j < s.keys; j += kThreads) sum[j] = 0;
  for (int64_t h = 0; h < s.heads; ++h) {
    weights(s, q + (n * s.queries + i) * s.channels + h * s.width, k + n * s.keys * s.channels + h * s.width, p);
    for (int64_t j = threadIdx.x; j < s.keys; j += kThreads) sum[j] += p[j];
  }
  for (int64_t j = threadIdx.x; j < s.keys; j += kThreads) map[blockIdx.x * s.keys + j] = T(sum[j] / float(s.heads));
}

}  // namespace

void attention_fwd_block(const Context& context, const AttentionFwd& a) {
  visit_f32_or_bf16(a.dtype, "attention_fwd", [&]<class T>() {
    launch({unsigned(a.n * a.heads * a.queries), kThreads, size_t(a.keys) * sizeof(float), context.stream}, forward<T>, static_cast<const T*>(a.q),
           static_cast<const T*>(a.k), static_cast<const T*>(a.v), static_cast<T*>(a.y), Sizes::of(a));
  });
}

void attention_bwd_block(const Context& context, const AttentionBwd& a) {
  visit_f32_or_bf16(a.dtype, "attention_bwd", [&]<class T>() {
    const T *gy = static_cast<const T*>(a.gy), *q = static_cast<const T*>(a.q), *k = static_cast<const T*>(a.k), *v = static_cast<const T*>(a.v);
    const int64_t lines = a.n * a.heads * a.queries;
    const DeviceBlock block(context.device, size_t(lines) * sizeof(float2), context.stream);
    float2* rows = static_cast<float2*>(block.data());
    launch({unsigned(lines), kThreads, size_t(2 * a.keys) * sizeof(float), context.stream}, backward_query<T>, gy, q, k, v, static_cast<T*>(a.gq), rows,
           Sizes::of(a));
    if (a.gk || a.gv)
      launch({unsigned(a.n * a.heads * a.keys), kThreads, size_t(2 * a.queries) * sizeof(float), context.stream}, backward_key<T>, gy, q, k, v,
             static_cast<T*>(a.gk), static_cast<T*>(a.gv), static_cast<const float2*>(rows), Sizes::of(a));
  });
}

void attention_map_block(const Context& context, const AttentionMap& a) {
  visit_f32_or_bf16(a.dtype, "attention_map_fwd", [&]<class T>() {
    launch({unsigned(a.n * a.queries), kThreads, size_t(2 * a.keys) * sizeof(float), context.stream}, mean_map<T>, static_cast<const T*>(a.q),
           static_cast<const T*>(a.k), static_cast<T*>(a.map), Sizes::of(a));
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
