// Local normalised cross-correlation of two images, the similarity of VoxelMorph (Balakrishnan et al., 2019, eq. 4) and
// CodeFormer++ (eq. 9). For the window w(p) of n x n pixels around p, per channel:
//   u_a = sum_w a / n^2,  cross = sum_w (a-u_a)(b-u_b),  var_a = sum_w (a-u_a)^2,  cc(p) = cross^2 / (var_a var_b + eps)
// With zero padding a window that leaves the image sees zeros there and still counts n^2 pixels, as VoxelMorph's box filter
// does; without, only windows inside the image exist. With g = d loss / d cc:
//   ga(q) = sum_{p: q in w(p)} g [ 2 cross/D (b(q)-u_b) - 2 cross^2 var_b/D^2 (a(q)-u_a) ],  D = var_a var_b + eps; gb likewise
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct LocalNccFwd {
  const void *a, *b;  // [n, h, w, c]
  void* cc;           // [n, out_h, out_w, c], overwritten; out = in with zero padding, in - window + 1 without
  int64_t n, h, w, c;
  int64_t window;     // odd
  bool zero_padded;
  double eps;         // with 0 a flat window is 0/0
  DType dtype;

  constexpr int64_t lead() const { return zero_padded ? window / 2 : 0; }  // window of output p starts at p - lead
  constexpr int64_t out_h() const { return zero_padded ? h : h - window + 1; }
  constexpr int64_t out_w() const { return zero_padded ? w : w - window + 1; }
};
extern const Family<LocalNccFwd> local_ncc_fwd;

struct LocalNccBwd {
  LocalNccFwd forward;  // cc is not read
  const void* g;        // [n, out_h, out_w, c]
  void *ga, *gb;        // [n, h, w, c] or null, overwritten
};
extern const Family<LocalNccBwd> local_ncc_bwd;

}  // namespace kintsugi
