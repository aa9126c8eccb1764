// The arithmetic of kernels/step_numbers.h, for CPU and GPU alike.
#pragma once
#include <cmath>

#include "kernels/base/host_device.h"
#include "kernels/step_numbers.h"

namespace kintsugi {

/// Neither NaN nor infinite.
KIN_HOST_DEVICE inline bool finite_number(double x) { return x - x == 0; }

KIN_HOST_DEVICE inline void weigh(const AdaptiveWeightOf& a) {
  const double r = sqrt(a.squares[0]), g = sqrt(a.squares[1]), ratio = r / (g + a.eps);
  const double value = ratio > a.max ? a.max : ratio;
  a.out[0] = value;
  a.out[1] = value >= a.max ? 1 : 0;
  a.out[2] = r;
  a.out[3] = g;
  if (a.dtype == DType::f32) *static_cast<float*>(a.factor) = float(value);
  else *static_cast<double*>(a.factor) = value;
}

/// What brings a gradient of this norm down to `most`; 1 where it is no longer.
KIN_HOST_DEVICE inline double clipping(double norm, double most) {
  const double factor = most / (norm + 1e-6);
  return factor < 1 ? factor : 1;
}

/// The end of judge_step, of the sum of squares.
KIN_HOST_DEVICE inline void judge(const JudgeStep& a, double sum) {
  const double norm = a.scale * sqrt(sum);
  bool finite = finite_number(norm) && (!a.before || a.before->finite != 0);
  for (int64_t i = 0; i < a.loss_count; ++i) finite = finite && finite_number(a.losses[i]);
  *a.out = {norm, a.scale * (a.clip > 0 ? clipping(norm, a.clip) : 1), finite ? 1.0 : 0.0};
}

}  // namespace kintsugi
