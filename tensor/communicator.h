// What the processes of one run say to each other. Rows: threads of one process (tests), sockets and MPI (CPU), NCCL (GPU, beside one of
// those). Every operation is collective: all ranks call the same ones in the same order, else they wait for each other and a rank is named
// after the time-out.
//
// Sums are taken in the order of ranks, rank 0 + rank 1 + ..., on threads, sockets and MPI alike: the same bits on every rank, in every run
// and in every row. NCCL adds in the order of its ring, which is the same in every run on the same machines.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi {

/// An operation under way; an empty one is done.
class Pending {
 public:
  Pending() = default;
  explicit Pending(std::function<void()> wait) : wait_(std::move(wait)) {}
  /// Returns when the result may be used. Throws what went wrong.
  void wait() {
    if (const auto wait = std::exchange(wait_, nullptr)) wait();
  }

 private:
  std::function<void()> wait_;
};

/// One rank's end. Calls come from one thread, those of pulse, abandon and on_failure from any. Operations throw Error when ranks disagree about shape or
/// dtype, and, naming the rank, when one has ended, failed or stood still for the time-out; nothing works from then on.
class Communicator {
 public:
  virtual ~Communicator() = default;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// "threads", "sockets", "MPI", "NCCL and sockets", ...
  const std::string& row() const { return row_; }

  /// x [any shape; f32, f64 or i64; any device] becomes the sum over all ranks, in place.
  void all_reduce(const Tensor& x) { start_all_reduce(x).wait(); }
  /// The same while the caller goes on; x must be left alone until it is done. Several run in the order they were started.
  virtual Pending start_all_reduce(const Tensor& x) = 0;
  /// x of any dtype becomes root's, in place.
  virtual void broadcast(const Tensor& x, int root = 0) = 0;
  /// [size, ...]: every rank's x, in their order, on x's device.
  virtual Tensor all_gather(const Tensor& x) = 0;
  /// Returns when all ranks are here.
  virtual void barrier() = 0;

  /// The largest of all ranks' numbers: how ranks agree to stop, or that one of them has seen something.
  int64_t agree(int64_t flag);
  /// Every rank's text, in their order.
  std::vector<std::string> all_gather(const std::string& mine);

  /// "I am at work": called in every loop that may run for long between two operations, so that slow is not taken for hung.
  virtual void pulse() = 0;
  /// Tells the others that this rank is ending, and why; they end with that as their error. The first reason counts.
  virtual void abandon(const std::string& why) noexcept = 0;
  /// Called once, on a thread of the communicator, when all is over: with the reason. A program that might be stuck elsewhere ends here.
  virtual void on_failure(std::function<void(const std::string&)> tell) = 0;

 protected:
  Communicator(int rank, int size, std::string row) : rank_(rank), size_(size), row_(std::move(row)) {}

 private:
  int rank_, size_;
  std::string row_;
};

/// Seconds that a rank may stand still, or may take to arrive, before it is named.
inline constexpr double kTimeOut = 300;

/// `size` ends within this process, one for each of as many threads.
std::vector<std::shared_ptr<Communicator>> local_communicators(int size, double time_out = kTimeOut);

/// What carries tensors that lie on a CUDA device: NCCL, or by way of the CPU what carries the others. Automatic: NCCL when there are several ranks.
enum class Carrier : uint8_t { automatic, host, nccl };

struct Launch;
/// The rank that `launch` (tensor/comm/launch.h) says this process is, when all others have come too: alone, by sockets or by MPI. `device` is this
/// rank's. Throws Error with what is missing.
std::shared_ptr<Communicator> join(const Launch& launch, Device device = {}, double time_out = kTimeOut, Carrier carrier = Carrier::automatic);

}  // namespace kintsugi
