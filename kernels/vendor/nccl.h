// NCCL: sums of gradients over GPUs. The library is opened at run time; header needed to compile (KIN_NCCL), never to link.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kernels/base/device_runtime.h"
#include "kernels/base/dtype.h"

namespace kintsugi::vendor {

/// Why NCCL cannot be used, in one line; null when it can.
const char* nccl_refuses();
/// Made on one rank, given to all others by other means. Throws Error when nccl_refuses(), and with NCCL's reason.
std::string nccl_unique_id();

/// A rank of a group of GPUs. Operations are queued on a stream of their own, of high priority, behind the work queued so far on `compute`.
/// All ranks call the same operations in the same order. Throws Error with NCCL's reason.
class Nccl {
 public:
  /// Returns when all ranks have come.
  Nccl(Device device, int rank, int size, const std::string& unique_id);
  ~Nccl();
  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  /// In place; f32, f64 or i64.
  void all_reduce(void* x, int64_t n, DType dtype, Stream compute);
  void broadcast(void* x, size_t bytes, int root, Stream compute);
  /// to: size x bytes.
  void all_gather(const void* x, void* to, size_t bytes, Stream compute);

  /// A point in the stream: behind what is queued now.
  using Mark = std::shared_ptr<void>;
  Mark mark();
  /// Waits for it, asking `still_well` now and then, which may throw. Reports errors that NCCL met meanwhile.
  void wait(const Mark& mark, const std::function<void()>& still_well);

  /// Gives up what is queued, from any thread: waiting ends with an error.
  void abort() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kintsugi::vendor
