// How a process becomes a rank of a training run.
#pragma once
#include <memory>
#include <string>

#include "kernels/base/device.h"
#include "tensor/communicator.h"

namespace kintsugi {

struct RankOptions {
  std::string device = "auto";        // --device
  std::string communicator = "auto";  // auto, host or nccl: what carries gradients that lie on a GPU
  double time_out = kTimeOut;         // seconds
  bool threads_given = false;         // --threads; otherwise the ranks of one machine share its cores
  bool quiet = false;
};

struct Rank {
  Device device;
  std::shared_ptr<Communicator> communicator;
};

/// Reads what a launcher (tensor/comm/launch.h) has left, chooses a device by the local rank, meets the others. Unless quiet, rank 0 says on
/// stderr which launcher it was. When the run fails elsewhere and this process does not end by the error that its next operation throws, because it
/// is stuck, it is ended with exit code 1 a little later. Throws Error and UsageError as detect_launch, choose_device and join do.
Rank start_rank(const RankOptions& options);

}  // namespace kintsugi
