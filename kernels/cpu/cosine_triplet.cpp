#include "kernels/cpu/cosine_triplet_simd.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cosine_triplet.h"
#include "kernels/cosine_triplet_math.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kChunk = 1 << 14;

}  // namespace

void cosine_triplet_fwd_ref(const Context&, const CosineTripletFwd& p) {
  visit_float(p.dtype, "cosine_triplet_fwd", [&]<class T>() {
    for (int64_t b = 0; b < p.batch; ++b) {
      const T *x = static_cast<const T*>(p.positive) + b * p.n, *a = static_cast<const T*>(p.anchor) + b * p.n;
      const T* q = static_cast<const T*>(p.negative) + b * p.n;
      double d[5] = {};
      for (int64_t i = 0; i < p.n; ++i) {
        const double vp = x[i], va = a[i], vq = q[i];
        d[0] += vp * vp;
        d[1] += va * va;
        d[2] += vq * vq;
        d[3] += vp * va;
        d[4] += vq * va;
      }
      std::copy_n(d, 5, p.dots + 5 * b);
    }
    *static_cast<T*>(p.loss) = T(mean_softplus(p.dots, p.batch, p.eps));
  });
}

void cosine_triplet_bwd_ref(const Context&, const CosineTripletBwd& p) {
  visit_float(p.dtype, "cosine_triplet_bwd", [&]<class T>() {
    for (int64_t b = 0; b < p.batch; ++b) {
      const TripletWeights w = triplet_weights(p.dots + 5 * b, p.eps, double(*static_cast<const T*>(p.gy)) / double(p.batch));
      for (int64_t i = b * p.n; i < (b + 1) * p.n; ++i) {
        const double vp = static_cast<const T*>(p.positive)[i], va = static_cast<const T*>(p.anchor)[i];
        const double vq = static_cast<const T*>(p.negative)[i];
        if (p.g_positive) static_cast<T*>(p.g_positive)[i] = T(w.pp * vp + w.pa * va);
        if (p.g_anchor) static_cast<T*>(p.g_anchor)[i] = T(w.ap * vp + w.aa * va + w.aq * vq);
        if (p.g_negative) static_cast<T*>(p.g_negative)[i] = T(w.qq * vq + w.qa * va);
      }
    }
  });
}

void cosine_triplet_fwd_fast(const Context&, const CosineTripletFwd& p) {
  const auto dots = KIN_SIMD_PICK(triplet_dots);
  const float *x = static_cast<const float*>(p.positive), *a = static_cast<const float*>(p.anchor), *q = static_cast<const float*>(p.negative);
  const int64_t pieces = std::max<int64_t>(1, (p.n + kChunk - 1) / kChunk);
  std::vector<double> partial(size_t(p.batch * pieces * 5));
  parallel_for(p.batch * pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t from = t % pieces * kChunk, length = std::min(kChunk, p.n - from), at = t / pieces * p.n + from;
      dots(x + at, a + at, q + at, length, partial.data() + 5 * t);
    }
  });
  for (int64_t b = 0; b < p.batch; ++b)
    for (int k = 0; k < 5; ++k) {
      double s = 0;
      for (int64_t t = 0; t < pieces; ++t) s += partial[size_t((b * pieces + t) * 5 + k)];
      p.dots[5 * b + k] = s;
    }
  *static_cast<float*>(p.loss) = float(mean_softplus(p.dots, p.batch, p.eps));
}

void cosine_triplet_bwd_fast(const Context&, const CosineTripletBwd& p) {
  const auto combine = KIN_SIMD_PICK(triplet_combine);
  const float *x = static_cast<const float*>(p.positive), *a = static_cast<const float*>(p.anchor), *q = static_cast<const float*>(p.negative);
  const auto at = [](void* g, int64_t i) { return g ? static_cast<float*>(g) + i : nullptr; };
  std::vector<TripletWeights> w;
  for (int64_t b = 0; b < p.batch; ++b) w.push_back(triplet_weights(p.dots + 5 * b, p.eps, double(*static_cast<const float*>(p.gy)) / double(p.batch)));
  const int64_t pieces = std::max<int64_t>(1, (p.n + kChunk - 1) / kChunk);
  parallel_for(p.batch * pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t from = t % pieces * kChunk, length = std::min(kChunk, p.n - from), i = t / pieces * p.n + from;
      combine(w[size_t(t / pieces)], x + i, a + i, q + i, at(p.g_positive, i), at(p.g_anchor, i), at(p.g_negative, i), length);
    }
  });
}

}  // namespace kintsugi::cpu
