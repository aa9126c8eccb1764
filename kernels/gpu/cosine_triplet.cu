// Cosine triplet loss. Floor: the three features read once; backward reads them again and writes three gradients.
#include "kernels/cosine_triplet.h"

#include "kernels/cosine_triplet_math.h"
#include "kernels/gpu/column_sums.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

struct Products {
  double of[5];  // <p,p>, <a,a>, <q,q>, <p,a>, <q,a>
  __device__ void operator+=(const Products& o) {
    for (int k = 0; k < 5; ++k) of[k] += o.of[k];
  }
};

template <class T>
struct Element {
  const T *positive, *anchor, *negative;
  int64_t n;
  __device__ Products operator()(int64_t image, int64_t i, int64_t) const {
    const int64_t at = image * n + i;
    const double p = float(positive[at]), a = float(anchor[at]), q = float(negative[at]);
    return {{p * p, a * a, q * q, p * a, q * a}};
  }
};
struct StoreProducts {
  double* dots;
  __device__ void operator()(int64_t image, const Products& sum) const {
    for (int k = 0; k < 5; ++k) dots[5 * image + k] = sum.of[k];
  }
};

template <class T>
__global__ void loss(const double* dots, int64_t batch, double eps, T* out) {
  *out = T(float(mean_softplus(dots, batch, eps)));
}

template <class T>
__global__ void __launch_bounds__(kThreads) gradients(CosineTripletBwd b, int64_t elements) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= elements) return;
  const double gy = double(float(*static_cast<const T*>(b.gy))) / double(b.batch);
  const TripletWeights w = triplet_weights(b.dots + 5 * (i / b.n), b.eps, gy);
  const double p = float(static_cast<const T*>(b.positive)[i]), a = float(static_cast<const T*>(b.anchor)[i]), q = float(static_cast<const T*>(b.negative)[i]);
  if (b.g_positive) static_cast<T*>(b.g_positive)[i] = T(float(w.pp * p + w.pa * a));
  if (b.g_anchor) static_cast<T*>(b.g_anchor)[i] = T(float(w.ap * p + w.aa * a + w.aq * q));
  if (b.g_negative) static_cast<T*>(b.g_negative)[i] = T(float(w.qq * q + w.qa * a));
}

}  // namespace

void cosine_triplet_fwd_pieces(const Context& context, const CosineTripletFwd& p) {
  visit_f32_or_bf16(p.dtype, "cosine_triplet_fwd", [&]<class T>() {
    column_sums(context, p.batch, p.n, 1,
                Element<T>{static_cast<const T*>(p.positive), static_cast<const T*>(p.anchor), static_cast<const T*>(p.negative), p.n}, StoreProducts{p.dots});
    launch({1, 1, 0, context.stream}, loss<T>, static_cast<const double*>(p.dots), p.batch, p.eps, static_cast<T*>(p.loss));
  });
}

void cosine_triplet_bwd_naive(const Context& context, const CosineTripletBwd& p) {
  visit_f32_or_bf16(p.dtype, "cosine_triplet_bwd", [&]<class T>() {
    launch({blocks_for(p.batch * p.n, kThreads), kThreads, 0, context.stream}, gradients<T>, p, p.batch * p.n);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
