#include "kernels/cpu/cosine_triplet_simd.h"

#include "kernels/base/vmath.h"

namespace kintsugi::KIN_SIMD {

void triplet_dots(const float* p, const float* a, const float* q, int64_t n, double* out) {
  constexpr int64_t kBlock = 32;  // f32 additions per accumulator before it goes to f64
  for (int k = 0; k < 5; ++k) out[k] = 0;
  int64_t i = 0;
  while (i + kLanes <= n) {
    vec acc[5] = {};
    for (int64_t k = 0; k < kBlock && i + kLanes <= n; ++k, i += kLanes) {
      const vec vp = load(p + i), va = load(a + i), vq = load(q + i);
      acc[0] += vp * vp;
      acc[1] += va * va;
      acc[2] += vq * vq;
      acc[3] += vp * va;
      acc[4] += vq * va;
    }
    for (int k = 0; k < 5; ++k)
      for (int l = 0; l < kLanes; ++l) out[k] += double(acc[k][l]);
  }
  for (; i < n; ++i) {
    const double dp = p[i], da = a[i], dq = q[i];
    out[0] += dp * dp;
    out[1] += da * da;
    out[2] += dq * dq;
    out[3] += dp * da;
    out[4] += dq * da;
  }
}

void triplet_combine(const TripletWeights& w, const float* p, const float* a, const float* q, float* gp, float* ga, float* gq, int64_t n) {
  const float pp = float(w.pp), pa = float(w.pa), ap = float(w.ap), aa = float(w.aa), aq = float(w.aq), qq = float(w.qq), qa = float(w.qa);
  for_lanes(n, [&](int64_t i, auto lanes) {
    const vec vp = lanes.load(p + i), va = lanes.load(a + i), vq = lanes.load(q + i);
    if (gp) lanes.store(gp + i, pp * vp + pa * va);
    if (ga) lanes.store(ga + i, ap * vp + aa * va + aq * vq);
    if (gq) lanes.store(gq + i, qq * vq + qa * va);
  });
}

}  // namespace kintsugi::KIN_SIMD
