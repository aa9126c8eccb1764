#pragma once
#include <memory>

#include "autograd/var.h"

namespace kintsugi {

class Communicator;

struct BatchNormOptions {
  bool training = true;
  double momentum = 0.1;  // running = (1 - momentum) running + momentum * batch
  double eps = 1e-5;
};

/// While one lives, batch_norm of this thread trains with the statistics of all ranks' batches together, equal parts of it on each (f32 or f64);
/// every rank must take part in each forward and backward pass. Without one, with this rank's alone, as published.
class SyncBatchNorm {
 public:
  explicit SyncBatchNorm(std::shared_ptr<Communicator> across);
  ~SyncBatchNorm();
  SyncBatchNorm(const SyncBatchNorm&) = delete;
  SyncBatchNorm& operator=(const SyncBatchNorm&) = delete;

 private:
  std::shared_ptr<Communicator> outer_;
};

/// Batch normalisation (Ioffe and Szegedy 2015) of x [..., C] over all axes but the last; gamma, beta [C] of x's dtype.
/// Training: normalises with the batch's mean and biased variance, and moves running_mean and running_var [C] (f32 beside bf16, else x's dtype; in
/// place) towards the batch's mean and unbiased variance; needs at least two positions. Otherwise: normalises with the
/// running values, which count as constants. Differentiable twice.
Var batch_norm(const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean, const Tensor& running_var,
               const BatchNormOptions& options);

}  // namespace kintsugi
