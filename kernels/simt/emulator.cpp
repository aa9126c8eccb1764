// Settings and counters of the emulated GPU, and launches: cluster by cluster (kernels/simt/cluster.h).
#include "kernels/simt/emulator.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "kernels/base/error.h"
#include "kernels/base/parallel.h"
#include "kernels/simt/cluster.h"
#include "kernels/simt/runtime.h"

namespace kintsugi::simt {
namespace {

std::atomic<int> guarded_schedule{-1};
std::atomic<uint64_t> launches{0}, blocks{0}, threads_started{0}, switches{0};
std::atomic<uint64_t> switch_limit{UINT64_MAX};

thread_local LaunchRecorder* launch_recorder = nullptr;

Schedule schedule_from_environment() {
  const char* set = std::getenv("KINTSUGI_SIM_SCHEDULE");
  if (!set || !*set) return Schedule::forward;
  for (Schedule s : {Schedule::forward, Schedule::reverse, Schedule::shuffled})
    if (!std::strcmp(set, name(s))) return s;
  throw UsageError(text("KINTSUGI_SIM_SCHEDULE must be forward, reverse or shuffled, got '", set, "'"));
}

std::string show(Dim d) { return text('(', d.x, ',', d.y, ',', d.z, ')'); }

void check_launch(const GridLaunch& launch) {
  const auto& [grid, block, dynamic_shared, cluster, kernel] = launch;
  const uint64_t threads = uint64_t(block.x) * block.y * block.z;
  KIN_CHECK(threads >= 1 && threads <= kMostThreads && block.z <= 64, "simt: a block must have 1 to ", kMostThreads,
            " threads (at most 64 along z), got ", show(block));
  KIN_CHECK(grid.x <= 0x7fffffffu && grid.y <= 65535 && grid.z <= 65535, "simt: a grid has at most 2^31-1, 65535 and 65535 blocks along x, y and z, got ",
            show(grid));
  KIN_CHECK(dynamic_shared <= kMostShared, "simt: a block has at most ", kMostShared, " bytes of shared memory, got ", dynamic_shared);
  KIN_CHECK(cluster >= 1 && cluster <= kMostCluster && grid.x % cluster == 0, "simt: a cluster has 1 to ", kMostCluster,
            " blocks and the grid's x is a multiple of it, got ", cluster, " for ", show(grid));
}

}  // namespace

const char* name(Schedule s) {
  switch (s) {
    case Schedule::forward: return "forward";
    case Schedule::reverse: return "reverse";
    case Schedule::shuffled: return "shuffled";
  }
  return "?";
}

Schedule schedule() {
  static const Schedule from_environment = schedule_from_environment();
  const int guarded = guarded_schedule.load(std::memory_order_relaxed);
  return guarded < 0 ? from_environment : Schedule(guarded);
}
ScheduleGuard::ScheduleGuard(Schedule s) : previous_(guarded_schedule.exchange(int(s))) {}
ScheduleGuard::~ScheduleGuard() { guarded_schedule = previous_; }

void set_recorder(LaunchRecorder* recorder) { launch_recorder = recorder; }
LaunchRecorder* recorder() { return launch_recorder; }

Stats stats() { return {launches.load(), blocks.load(), threads_started.load(), switches.load()}; }

SizeCap::SizeCap(uint64_t n) { switch_limit = switches.load() + n; }
SizeCap::~SizeCap() { switch_limit = UINT64_MAX; }

void count_switches(uint64_t n) {
  if (switches.fetch_add(n, std::memory_order_relaxed) + n > switch_limit.load(std::memory_order_relaxed)) throw Error(kTooLarge);
}

void run_grid(const GridLaunch& launch) {
  check_launch(launch);
  const Schedule order = schedule();
  const int64_t count = int64_t(launch.grid.x) * launch.grid.y * launch.grid.z / launch.cluster;
  Order turn(order, 0x6b696e74);
  turn.reset(size_t(count));
  turn.draw();
  ++launches;
  const auto run_clusters = [&](int64_t begin, int64_t end) {
    thread_local std::unique_ptr<Cluster> machine;
    if (!machine) machine = std::make_unique<Cluster>();
    for (int64_t i = begin; i < end; ++i) {
      machine->run(launch, turn[size_t(i)] * launch.cluster, order);
      blocks += launch.cluster;
      threads_started += uint64_t(launch.block.x) * launch.block.y * launch.block.z * launch.cluster;
    }
  };
  const bool hunting_faults = order != Schedule::forward || switch_limit.load() != UINT64_MAX || AccessCounter::active();
  if (hunting_faults) run_clusters(0, count);  // in the schedule's order
  else parallel_for(count, (count + 255) / 256, run_clusters);
}

}  // namespace kintsugi::simt
