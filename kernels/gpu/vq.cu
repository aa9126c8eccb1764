// The nearest code of a codebook. The matrix of distances is never written. Floor: z read once, the codebook from the second-level cache,
// 2 rows codes width operations.
//
// naive: one thread per row measures every distance in f64, as the reference does.
// block: one block per row ranks the codes in f32 and measures in f64 only those that f32 cannot tell apart (the bound of
//   kernels/cpu/vq.cpp), so the index is the reference's. Prediction: bound by f32 arithmetic on the CUDA cores. Not run on a GPU.
#include "kernels/vq.h"

#include "kernels/gpu/column_sums.h"
#include "kernels/simt/reduce.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 128;

__device__ __forceinline__ double dot(const float* a, const float* b, int64_t width) {
  double sum = 0;
  for (int64_t d = 0; d < width; ++d) sum += double(a[d]) * double(b[d]);
  return sum;
}
__device__ __forceinline__ double distance(const float* z, const float* e, int64_t width) {
  return dot(z, z, width) + dot(e, e, width) - 2 * dot(z, e, width);
}

struct Nearest {
  double distance;
  int64_t code;
  __device__ void meet(const Nearest& o) {
    if (o.distance < distance || (o.distance == distance && o.code < code)) *this = o;
  }
};

struct Search {
  const float *z, *codebook;
  int64_t* indices;
  float* least;
  int64_t rows, codes, width;
  __device__ void store(int64_t row, const Nearest& best) const {
    indices[row] = best.code;
    if (least) least[row] = float(best.distance);
  }
};

__global__ void __launch_bounds__(kThreads) per_thread(Search s) {
  const int64_t row = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= s.rows) return;
  Nearest best{INFINITY, 0};
  for (int64_t k = 0; k < s.codes; ++k) best.meet({distance(s.z + row * s.width, s.codebook + k * s.width, s.width), k});
  s.store(row, best);
}

__global__ void __launch_bounds__(kThreads) per_block(Search s) {
  KIN_DYNAMIC_SHARED(float, scores);
  KIN_SHARED(Nearest, bests, [kThreads]);
  const float* z = s.z + int64_t(blockIdx.x) * s.width;
  const int t = int(threadIdx.x);
  // |z|^2 is the same for every code: rank |e|^2 - 2 z.e.
  float smallest = INFINITY, largest = 0;
  for (int64_t k = t; k < s.codes; k += kThreads) {
    const float* e = s.codebook + k * s.width;
    float squares = 0, product = 0;
    for (int64_t d = 0; d < s.width; ++d) {
      squares += e[d] * e[d];
      product += e[d] * z[d];
    }
    scores[k] = squares - 2 * product;
    smallest = min(smallest, scores[k]);
    largest = max(largest, squares);
  }
  smallest = -block_reduce<kThreads, Max>(-smallest, -INFINITY);
  largest = block_reduce<kThreads, Max>(largest, 0.0f);
  // A sum of `width` f32 products is off by at most width u |a| |b| in any order, u = 2^-24; both sums of a score count.
  const double bound = 0x1p-24 * double(s.width + 4) * (2 * sqrt(dot(z, z, s.width)) * sqrt(double(largest)) + double(largest)) + 0x1p-22 * double(largest);
  Nearest best{INFINITY, 0};
  for (int64_t k = t; k < s.codes; k += kThreads)
    if (scores[k] <= double(smallest) + 2 * bound) best.meet({distance(z, s.codebook + k * s.width, s.width), k});
  bests[t] = best;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t < half) bests[t].meet(bests[t + half]);
  }
  if (t == 0) s.store(blockIdx.x, bests[0]);
}

// Sums of a column and of its squares.
struct Column {
  const float* x;
  int64_t width;
  __device__ SumPair operator()(int64_t, int64_t r, int64_t d) const {
    const double v = x[r * width + d];
    return {v, v * v};
  }
};
struct Store {
  SumPair* to;
  __device__ void operator()(int64_t d, SumPair sum) const { to[d] = sum; }
};
// mean d = mean |z|^2 + mean |e|^2 - 2 (mean z) . (mean e), without the matrix.
__global__ void mean_distance(const SumPair* z, const SumPair* e, int64_t rows, int64_t codes, int64_t width, float* out) {
  double sum = 0;
  for (int64_t d = 0; d < width; ++d)
    sum += z[d].b / double(rows) + e[d].b / double(codes) - 2 * (z[d].a / double(rows)) * (e[d].a / double(codes));
  *out = float(sum);
}

void run(const Context& context, const NearestCode& a, bool blocks) {
  const Search s{static_cast<const float*>(a.z), static_cast<const float*>(a.codebook), a.indices, static_cast<float*>(a.min_distance), a.rows, a.codes, a.width};
  if (blocks) launch({unsigned(a.rows), kThreads, size_t(a.codes) * sizeof(float), context.stream}, per_block, s);
  else launch({blocks_for(a.rows, kThreads), kThreads, 0, context.stream}, per_thread, s);
  if (!a.mean_distance) return;
  const DeviceBlock block(context.device, size_t(2 * a.width) * sizeof(SumPair), context.stream);
  SumPair* sums = static_cast<SumPair*>(block.data());
  column_sums(context, 1, a.rows, a.width, Column{s.z, a.width}, Store{sums});
  column_sums(context, 1, a.codes, a.width, Column{s.codebook, a.width}, Store{sums + a.width});
  launch({1, 1, 0, context.stream}, mean_distance, static_cast<const SumPair*>(sums), static_cast<const SumPair*>(sums + a.width), a.rows, a.codes, a.width,
         static_cast<float*>(a.mean_distance));
}

}  // namespace

void nearest_code_naive(const Context& context, const NearestCode& a) { run(context, a, false); }
void nearest_code_block(const Context& context, const NearestCode& a) { run(context, a, true); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
