// Training one network on many ranks: every rank has all parameters and a part of each batch; gradients are added up while backward still runs.
#pragma once
#include <memory>

#include "nn/scope.h"
#include "tensor/communicator.h"

namespace kintsugi {

struct DataParallelOptions {
  // Gradients travel in buckets, in the reverse of the parameters' order, which is about the order in which backward finishes them. Large ones for
  // the network's bandwidth, a small one at the end, for nothing is left to hide it behind.
  size_t bucket_bytes = size_t(32) << 20;
  size_t last_bucket_bytes = size_t(1) << 20;
};

class DataParallel {
 public:
  /// Parameters and buffers of `store` become rank 0's; from now on gradients of the trainable ones are added up. The store must outlive this, and what is
  /// trainable must stay so. Throws Error, on every rank, when ranks have other parameters.
  DataParallel(ParameterStore& store, std::shared_ptr<Communicator> communicator, const DataParallelOptions& options = {});
  DataParallel(const DataParallel&) = delete;
  DataParallel& operator=(const DataParallel&) = delete;

  /// Before the backward() calls of a step, the same number on every rank: `batches` micro-batches of `passes` calls each (a discriminator has two).
  /// Gradients add up within each micro-batch first, so that it makes no difference to a bit whether micro-batches are one rank's or several
  /// ranks'. In the last call each bucket starts on its way as soon as it is full. Gradients must have been zeroed.
  void begin(int batches = 1, int passes = 1);
  /// Behind them: returns when every trainable parameter's grad() is the sum over ranks, rank 0 first, of what they added up: what one
  /// process with all their micro-batches would have. A parameter that has a gradient on no rank has none; where only some have one, the others count as 0.
  void finish();

  /// Buffers become rank 0's: running statistics differ from rank to rank, but under a SyncBatchNorm (autograd/ops/batch_norm.h).
  void broadcast_buffers() const;
  /// Throws Error, on every rank, naming those whose parameters and buffers are not rank 0's bit by bit.
  void check_equal() const;

  int buckets() const;

 private:
  struct State;
  ParameterStore& store_;
  std::shared_ptr<Communicator> communicator_;
  std::shared_ptr<State> state_;
};

/// Sizes of buckets for parameters of these bytes in order of registration: how many parameters each takes, counted from the last parameter.
std::vector<int> bucket_plan(const std::vector<size_t>& bytes, const DataParallelOptions& options);

}  // namespace kintsugi
