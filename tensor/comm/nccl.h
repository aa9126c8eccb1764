// The row of NCCL: what lies on this rank's GPU goes by NCCL, the rest (numbers, texts, tensors on the CPU) by a row of the CPU.
#pragma once
#include <memory>

#include "tensor/comm/host_communicator.h"

namespace kintsugi::comm {

/// Throws Error with what is missing: the library, a build with it, or a GPU for each rank.
std::shared_ptr<Communicator> over_nccl(std::shared_ptr<HostCommunicator> host, Device device);

}  // namespace kintsugi::comm
