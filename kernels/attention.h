// Multi-head scaled dot-product attention (Vaswani et al. 2017). Head h reads the channels [h d, (h + 1) d), d = C / heads:
//   S = scale q k^T,  P = softmax over the keys of S,  y = P v
//   gv = P^T gy,  gP = gy v^T,  gS = P (gP - rowsum(gP P)),  gq = scale gS k,  gk = scale gS^T q
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct AttentionFwd {
  const void *q, *k, *v;  // [n, queries, channels], [n, keys, channels] twice
  void* y;                // [n, queries, channels]
  int64_t n, queries, keys, channels, heads;
  double scale;
  DType dtype;
};

/// Gradients are overwritten; null = not wanted. P is computed again, so the forward keeps nothing.
struct AttentionBwd {
  const void *gy, *q, *k, *v;  // gy [n, queries, channels]
  void *gq, *gk, *gv;          // shaped like q, k, v
  int64_t n, queries, keys, channels, heads;
  double scale;
  DType dtype;
};

/// map = mean over heads of P, for looking at what attends to what.
struct AttentionMap {
  const void *q, *k;
  void* map;  // [n, queries, keys]
  int64_t n, queries, keys, channels, heads;
  double scale;
  DType dtype;
};

extern const Family<AttentionFwd> attention_fwd;
extern const Family<AttentionBwd> attention_bwd;
extern const Family<AttentionMap> attention_map_fwd;

}  // namespace kintsugi
