// The emulated GPU, as tests and tools see it. What kernels see is in kernels/simt/simt.h.
//
// The threads of a block are fibers on one OS thread, and so are those of a cluster's blocks, turn by turn. Clusters (without them: blocks) run one
// after the other where a schedule other than forward or a size cap is set, that is when faults are hunted, else over parallel_for. Each warp runs as
// far as it legally can before another gets its turn: round-robin would hide a missing barrier, this shows it as a wrong number. The order of warps,
// lanes, blocks and clusters is the schedule; a correct kernel gives the same bits under each.
#pragma once
#include <cstdint>
#include <string>

namespace kintsugi::simt {

enum class Schedule : uint8_t {
  forward,   // lanes, warps and blocks in ascending order
  reverse,   // in descending order
  shuffled,  // in an order drawn anew for each turn, from a fixed seed
};
const char* name(Schedule s);

/// The schedule in force: the innermost guard's, else KINTSUGI_SIM_SCHEDULE=forward|reverse|shuffled, else forward.
/// Throws UsageError when the variable has another value.
Schedule schedule();

/// Process-wide, nestable. Open it where no kernel is running on another thread.
class ScheduleGuard {
 public:
  explicit ScheduleGuard(Schedule s);
  ~ScheduleGuard();
  ScheduleGuard(const ScheduleGuard&) = delete;
  ScheduleGuard& operator=(const ScheduleGuard&) = delete;

 private:
  int previous_;
};

/// What has been emulated since the program began.
struct Stats {
  uint64_t launches = 0, blocks = 0;
  uint64_t threads = 0;   // CUDA threads started
  uint64_t switches = 0;  // entries into a fiber: threads + one for each time one waited. The cost of emulation
};
Stats stats();

/// While alive, a launch that brings the switches since the guard was opened above `switches` ends by throwing Error whose message
/// contains kTooLarge. For tests that try whatever is affordable. Process-wide, not nestable.
class SizeCap {
 public:
  explicit SizeCap(uint64_t switches);
  ~SizeCap();
  SizeCap(const SizeCap&) = delete;
  SizeCap& operator=(const SizeCap&) = delete;
};
inline constexpr const char* kTooLarge = "simt: more fiber switches than the size cap allows";

}  // namespace kintsugi::simt
