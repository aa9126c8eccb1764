// Elementwise a (op) b with broadcasting. Floor: both operands read once (a broadcast one stays in cache), y written once.
#include "kernels/binary.h"

#include "kernels/gpu/vector.h"
#include "kernels/gpu/walk.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// naive: one thread per element, its place in the operands by division.
template <class T, class I>
__global__ void __launch_bounds__(kThreads) per_element(BinaryOp op, const T* a, const T* b, T* y, PairWalk walk, I n) {
  const I i = I(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const Offsets o = offsets_at(walk, i);
  y[i] = T(apply(op, float(a[o.a]), float(b[o.b])));
}

template <class T>
__device__ __forceinline__ Vector<T> operand(const T* p, int64_t stride) {
  if (stride == 1) return load_vector(p);
  Vector<T> v;
#pragma unroll
  for (T& e : v.at) e = *p;
  return v;
}

// vector: one thread per 16 bytes along the last axis. The divisions are shared by its elements.
template <class T, class I>
__global__ void __launch_bounds__(kThreads) per_vector(BinaryOp op, const T* a, const T* b, T* y, PairWalk walk, I vectors, int64_t stride_a, int64_t stride_b) {
  constexpr int kWidth = Vector<T>::kWidth;
  const I i = I(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= vectors) return;
  const Offsets o = offsets_at(walk, i);
  const Vector<T> va = operand(a + o.a, stride_a), vb = operand(b + o.b, stride_b);
  Vector<T> r;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) r.at[k] = T(apply(op, float(va.at[k]), float(vb.at[k])));
  store_vector(y + int64_t(i) * kWidth, r);
}

}  // namespace

void binary_naive(const Context& context, const Binary& p) {
  visit_f32_or_bf16(p.dtype, "binary", [&]<class T>() {
    visit_index(p.walk.count(), [&]<class I>() {
      launch({blocks_for(p.walk.count(), kThreads), kThreads, 0, context.stream}, per_element<T, I>, p.op, static_cast<const T*>(p.a),
             static_cast<const T*>(p.b), static_cast<T*>(p.y), p.walk, I(p.walk.count()));
    });
  });
}

void binary_vector(const Context& context, const Binary& p) {
  visit_f32_or_bf16(p.dtype, "binary", [&]<class T>() {
    constexpr int kWidth = Vector<T>::kWidth;
    PairWalk walk = p.walk;  // counted in vectors along the last axis
    const int last = walk.rank - 1;
    const int64_t stride_a = walk.a[last], stride_b = walk.b[last];
    walk.dims[last] /= kWidth;
    walk.a[last] *= kWidth;
    walk.b[last] *= kWidth;
    const int64_t vectors = walk.count();
    visit_index(vectors, [&]<class I>() {
      launch({blocks_for(vectors, kThreads), kThreads, 0, context.stream}, per_vector<T, I>, p.op, static_cast<const T*>(p.a), static_cast<const T*>(p.b),
             static_cast<T*>(p.y), walk, I(vectors), stride_a, stride_b);
    });
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
