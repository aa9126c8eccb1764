// What this machine can do at most, measured by the run that the figures are compared with.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "apps/bench/case.h"

namespace kintsugi::bench {

/// What a row's time is taken from. cpu: processor time of the calling thread, for one thread on a machine that does other work too.
enum class Clock : uint8_t { wall, cpu };
constexpr const char* name(Clock c) { return c == Clock::wall ? "wall" : "cpu"; }
double seconds_now(Clock clock);

struct Roof {
  int threads = 1;   // of the CPU
  double flops = 0;  // multiply-adds in registers, or tensor cores where the elements are bf16, FLOP/s
  double bytes = 0;  // copying arrays far larger than the last-level cache, bytes read and written per second

  /// Least time a problem can take.
  double floor_seconds(const Cost& cost) const;
  bool compute_bound(const Cost& cost) const { return cost.flops / flops > cost.bytes / bytes; }
};

struct Machine {
  Device device;
  std::string processor, simd;  // of a GPU: its name, and its architecture
  int cores = 0;                // multiprocessors
  size_t cache = 0;    // bytes of the last level
  double load = 0;     // processes that wanted to run, mean of the last minute, when the run began
  std::vector<Roof> roofs;  // for one thread and, where that is another number, for `threads`
  const Roof& roof(int threads) const;
};

/// The CPU. Median of several measurements of each roof; takes about a second.
Machine measure_machine(int threads, Clock clock);

}  // namespace kintsugi::bench
