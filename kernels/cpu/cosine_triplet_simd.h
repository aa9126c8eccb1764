// Vector rows of kernels/cpu/cosine_triplet.simd.cpp.
#pragma once
#include "kernels/base/simd.h"
#include "kernels/cosine_triplet_weights.h"

namespace kintsugi {

/// out[0..5) = <p,p>, <a,a>, <q,q>, <p,a>, <q,a> over n elements.
KIN_SIMD_DECLARE(void, triplet_dots, const float* p, const float* a, const float* q, int64_t n, double* out)
/// Null gradients are not wanted.
KIN_SIMD_DECLARE(void, triplet_combine, const TripletWeights& w, const float* p, const float* a, const float* q, float* gp, float* ga, float* gq, int64_t n)

}  // namespace kintsugi
