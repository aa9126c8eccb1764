// Cosine triplet loss of CodeFormer++ (eq. 8): features of positive p, anchor a and negative q, one flattened line per image,
//   c+ = <p, a> / (|p| |a|),  c- = <q, a> / (|q| |a|),  norms not below eps,
//   L = 1/B sum_b -log( e^{c+} / (e^{c+} + e^{c-}) ) = 1/B sum_b softplus(c- - c+).
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct CosineTripletFwd {
  DType dtype = DType::f32;  // f32 or f64
  int64_t batch = 0, n = 0;  // batch >= 1
  double eps = 1e-12;
  const void* positive = nullptr;  // [batch, n]
  const void* anchor = nullptr;
  const void* negative = nullptr;
  void* loss = nullptr;    // one element, overwritten
  double* dots = nullptr;  // [batch, 5]: <p,p>, <a,a>, <q,q>, <p,a>, <q,a>; overwritten, for the backward
};

/// Gradients are overwritten; null: not wanted.
struct CosineTripletBwd {
  DType dtype = DType::f32;
  int64_t batch = 0, n = 0;
  double eps = 1e-12;
  const void* positive = nullptr;
  const void* anchor = nullptr;
  const void* negative = nullptr;
  const double* dots = nullptr;  // what forward left
  const void* gy = nullptr;      // one element
  void* g_positive = nullptr;
  void* g_anchor = nullptr;
  void* g_negative = nullptr;
};

extern const Family<CosineTripletFwd> cosine_triplet_fwd;
extern const Family<CosineTripletBwd> cosine_triplet_bwd;

}  // namespace kintsugi
