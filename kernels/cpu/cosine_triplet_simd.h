// Vector rows of kernels/cpu/cosine_triplet.simd.cpp.
#pragma once
#include "kernels/base/simd.h"

namespace kintsugi {

/// The gradients of one image are linear in its features:
/// gp = pp p + pa a,  ga = ap p + aa a + aq q,  gq = qq q + qa a.
struct TripletWeights {
  double pp, pa, ap, aa, aq, qq, qa;
};

/// out[0..5) = <p,p>, <a,a>, <q,q>, <p,a>, <q,a> over n elements.
KIN_SIMD_DECLARE(void, triplet_dots, const float* p, const float* a, const float* q, int64_t n, double* out)
/// Null gradients are not wanted.
KIN_SIMD_DECLARE(void, triplet_combine, const TripletWeights& w, const float* p, const float* a, const float* q, float* gp, float* ga, float* gq, int64_t n)

}  // namespace kintsugi
