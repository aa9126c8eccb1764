// The time of work on one device: by a clock on the CPU, by events in a stream of its own on any other.
#pragma once
#include "apps/bench/machine.h"
#include "kernels/base/device_runtime.h"
#include "kernels/table.h"

namespace kintsugi::bench {

class Stopwatch {
 public:
  /// The clock is for the CPU.
  Stopwatch(Device device, Clock clock);
  ~Stopwatch();
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  /// Where the work has to go to be timed.
  const Context& context() const { return context_; }
  /// Seconds from the beginning of what `work` queues to its end; waits for it.
  template <class F>
  double time(F&& work) {
    start();
    work();
    return stop();
  }

 private:
  void start();
  double stop();

  Context context_;
  Clock clock_;
  double began_ = 0;
  void *begin_ = nullptr, *end_ = nullptr;  // events
};

}  // namespace kintsugi::bench
