// Steps of optimisers over one parameter tensor, each in one pass over memory, and the sum of squares that clipping needs.
// Everything is elementwise, so a step has the same bits however it is split.
#pragma once
#include <cmath>

#include "kernels/step_numbers.h"

namespace kintsugi {

/// What of an update of Adam changes with every step.
struct AdamRates {
  double rate;    // lr / (1-beta1^step)
  double root;    // 1 / sqrt(1-beta2^step)
  double shrink;  // decoupled: lr weight_decay, else 0
};

/// Adam (Kingma and Ba, 2015) and AdamW (Loshchilov and Hutter, 2019), with PyTorch's order of operations:
///   g <- grad_scale g;  coupled: g <- g + weight_decay p;  decoupled: p <- p - lr weight_decay p
///   m <- beta1 m + (1-beta1) g;  v <- beta2 v + (1-beta2) g^2
///   p <- p - lr/(1-beta1^step) m / (sqrt(v)/sqrt(1-beta2^step) + eps)
///   ema <- ema_decay ema + (1-ema_decay) p, where ema is given
struct AdamStep {
  void* p;        // [n], updated
  const void* g;  // [n]
  void *m, *v;    // [n], updated
  void* ema;      // [n] updated, or null
  int64_t n;
  int64_t step;  // of this update, from 1
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;
  double grad_scale;
  double ema_decay;
  DType dtype;  // f32 or f64, of every array
  // Both or neither, in the memory of the arrays: read when the kernel runs, instead of step, lr and grad_scale. Where the verdict is not finite
  // nothing is changed.
  const AdamRates* rates = nullptr;
  const StepVerdict* verdict = nullptr;
};
extern const Family<AdamStep> adam_step;

inline AdamRates adam_rates(const AdamStep& a) {
  return {a.lr / (1 - std::pow(a.beta1, double(a.step))), 1 / std::sqrt(1 - std::pow(a.beta2, double(a.step))),
          a.decoupled ? a.lr * a.weight_decay : 0};
}

/// Stochastic gradient descent with PyTorch's momentum (no dampening):
///   g <- grad_scale g + weight_decay p;  buffer <- momentum buffer + g;  p <- p - lr buffer
struct SgdStep {
  void* p;        // [n], updated
  const void* g;  // [n]
  void* buffer;   // [n] updated, zeros at first; null: no momentum, p <- p - lr g
  int64_t n;
  double lr, momentum, weight_decay, grad_scale;
  DType dtype;
};
extern const Family<SgdStep> sgd_step;

/// ema <- decay ema + (1-decay) p
struct EmaUpdate {
  void* ema;      // [n], updated
  const void* p;  // [n]
  int64_t n;
  double decay;
  DType dtype;
  const StepVerdict* verdict = nullptr;  // as AdamStep's; null: none
};
extern const Family<EmaUpdate> ema_update;

/// *out = sum x^2 in f64, added up per block of 2^15 elements and then in order of the blocks.
struct SumSquares {
  const void* x;  // [n]
  double* out;    // [1], overwritten
  int64_t n;
  DType dtype;
};
extern const Family<SumSquares> sum_squares;

}  // namespace kintsugi
