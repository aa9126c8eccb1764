// The distances of mean_loss and their slopes, one element at a time; `root` is the square root of V. The vector code of the CPU has its own
// form without branches.
#pragma once
#include "kernels/mean_loss_kind.h"

namespace kintsugi {

template <class V, class Root>
constexpr V loss_distance(MeanLossKind kind, V d, V param, Root root) {
  const V size = d < V(0) ? -d : d;
  switch (kind) {
    case MeanLossKind::l1: return size;
    case MeanLossKind::mse: return d * d;
    case MeanLossKind::smooth_l1: return size < param ? d * d / (2 * param) : size - param / 2;
    case MeanLossKind::charbonnier: return root(d * d + param);
  }
  return V(0);
}

template <class V, class Root>
constexpr V loss_slope(MeanLossKind kind, V d, V param, Root root) {
  const V sign = d > V(0) ? V(1) : d < V(0) ? V(-1) : V(0);
  switch (kind) {
    case MeanLossKind::l1: return sign;
    case MeanLossKind::mse: return 2 * d;
    case MeanLossKind::smooth_l1: return sign * d < param ? d / param : sign;
    case MeanLossKind::charbonnier: return d / root(d * d + param);
  }
  return V(0);
}

}  // namespace kintsugi
