// Mean of a pointwise distance between two tensors, and its gradient, each in one pass.
#pragma once
#include "kernels/mean_loss_kind.h"
#include "kernels/table.h"

namespace kintsugi {

/// y = 1/n sum_i f(a[i] - b[i]). Sums are carried in f64 between short f32 blocks with fixed borders.
struct MeanLossFwd {
  MeanLossKind kind = MeanLossKind::l1;
  double param = 1;          // > 0; of smooth_l1 and charbonnier
  DType dtype = DType::f32;  // f32 or f64
  int64_t n = 0;             // >= 1
  const void* a = nullptr;
  const void* b = nullptr;
  void* y = nullptr;         // one element, overwritten
};

/// ga[i] = gy/n f'(a[i] - b[i]), gb = -ga; f'(0) = 0.
struct MeanLossBwd {
  MeanLossKind kind = MeanLossKind::l1;
  double param = 1;
  DType dtype = DType::f32;
  int64_t n = 0;
  const void* a = nullptr;
  const void* b = nullptr;
  const void* gy = nullptr;  // one element
  void* ga = nullptr;        // overwritten; null: not wanted
  void* gb = nullptr;        // overwritten; null: not wanted
};

extern const Family<MeanLossFwd> mean_loss_fwd;
extern const Family<MeanLossBwd> mean_loss_bwd;

}  // namespace kintsugi
