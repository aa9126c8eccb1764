// Every load and store of the emulated kernels, watched: in a build with KINTSUGI_SIM_WATCH (preset simcheck) the compiler calls the
// emulator at each of them. Such a build
//   * ends a launch when two threads touch the same shared memory, one of them writing, with no barrier, warp collective or mbarrier
//     between them, whatever the schedule; and when shared memory is read that nobody wrote;
//   * counts, while an AccessCounter lives, what the memory system would do: sectors of global memory and wavefronts of shared memory.
// In other builds nothing is watched and nothing is counted.
#pragma once
#include <cstdint>

namespace kintsugi::simt {

/// Was this build made to watch?
constexpr bool watches_accesses() {
#ifdef KIN_SIM_WATCH
  return true;
#else
  return false;
#endif
}

/// A request is one instruction of one warp; lanes are matched by the place in the code and by how often they have passed it.
struct AccessCounts {
  uint64_t global_requests = 0;
  uint64_t global_bytes = 0;     // that lanes asked for
  uint64_t global_sectors = 0;   // of 32 bytes that were touched
  uint64_t shared_requests = 0;
  uint64_t shared_wavefronts = 0;  // passes over the 32 banks
  uint64_t shared_ideal = 0;       // passes if no two lanes met in a bank
  /// Bytes moved from global memory for each byte asked for; 1 is perfect.
  double overfetch() const { return global_bytes ? 32.0 * double(global_sectors) / double(global_bytes) : 0; }
  /// Wavefronts that bank conflicts cost.
  uint64_t conflicts() const { return shared_wavefronts - shared_ideal; }
};

/// Counts what launches of this thread do while it lives. Not nestable; blocks then run one after the other.
class AccessCounter {
 public:
  AccessCounter();
  ~AccessCounter();
  AccessCounter(const AccessCounter&) = delete;
  AccessCounter& operator=(const AccessCounter&) = delete;
  AccessCounts counts() const { return counts_; }
  /// The one alive on this thread, or null.
  static AccessCounter* active();
  AccessCounts counts_;
};

}  // namespace kintsugi::simt
