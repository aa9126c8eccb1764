// Collective operations from point-to-point ones, for every transport of the CPU alike. They run one after the other on a thread of their own.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "tensor/comm/health.h"
#include "tensor/comm/transport.h"
#include "tensor/communicator.h"

namespace kintsugi::comm {

/// A thread that runs tasks in the order given.
class Worker {
 public:
  Worker() : thread_([this] { work(); }) {}
  /// Runs what is queued, then ends.
  ~Worker();
  std::shared_future<void> run(std::function<void()> task);

 private:
  void work();
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<std::packaged_task<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

/// What keeps Health true: a lifeline to the other processes, or nothing.
struct Guardian {
  virtual ~Guardian() = default;
};

class HostCommunicator : public Communicator {
 public:
  /// Everything a row is made of. The transport is used, and dropped, on `worker` only.
  struct Parts {
    std::unique_ptr<Worker> worker;
    std::unique_ptr<Transport> transport;
    std::shared_ptr<Health> health;
    std::unique_ptr<Guardian> guardian;
    std::string row;
  };
  explicit HostCommunicator(Parts parts);
  /// Waits for the others where all went well; tells them where the stack is being unwound.
  ~HostCommunicator() override;

  Pending start_all_reduce(const Tensor& x) override;
  void broadcast(const Tensor& x, int root) override;
  Tensor all_gather(const Tensor& x) override;
  void barrier() override;
  void pulse() override { parts_.health->pulse(); }
  void abandon(const std::string& why) noexcept override;
  void on_failure(std::function<void(const std::string&)> tell) override { parts_.health->on_failure(std::move(tell)); }
  using Communicator::all_gather;

  Health& health() const { return *parts_.health; }

 private:
  Pending start(std::function<void()> operation);
  template <class T>
  void reduce(T* x, int64_t n);
  void gather_chunks(char* x, int64_t n, size_t element);
  int64_t border(int64_t n, int chunk) const { return n * chunk / size(); }

  Parts parts_;
  uint64_t exchanges_ = 0;     // of the worker
  std::vector<char> scratch_;  // of the worker: the others' parts of a sum
  int unwinding_;              // exceptions in flight when this was made
};

}  // namespace kintsugi::comm
