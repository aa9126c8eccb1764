#include "apps/train/start_rank.h"

#include <fmt/format.h>
#include <sched.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "apps/cli/device_choice.h"
#include "apps/cli/exit_codes.h"
#include "kernels/base/parallel.h"
#include "tensor/comm/launch.h"

namespace kintsugi {
namespace {

// GPUs are dealt out by the local rank, unless one is asked for by its number.
Device device_of(const Launch& l, const std::string& asked, bool quiet) {
  if (l.size == 1 || (asked != "auto" && asked != "cuda")) return choose_device(asked, quiet);
  if (asked == "auto" && choose_device("auto", true).kind != DeviceKind::cuda) return choose_device("auto", quiet);
  return choose_device(fmt::format("cuda:{}", l.local_rank), quiet);
}

// Cores of this machine for each of its ranks. Where the launcher has bound the process to some, they are its own.
int cores_each(const Launch& l) {
  const int all = int(std::max(1u, std::thread::hardware_concurrency()));
  cpu_set_t mine;
  const int bound = ::sched_getaffinity(0, sizeof mine, &mine) == 0 ? CPU_COUNT(&mine) : all;
  return bound < all ? bound : std::max(1, all / std::max(1, l.local_size));
}

Carrier carrier_of(const std::string& name) { return name == "nccl" ? Carrier::nccl : name == "host" ? Carrier::host : Carrier::automatic; }

// Work that never comes back to an operation would keep the process, and with it the launcher, for ever.
void end_later(const std::string& why, int rank, int size) {
  std::thread([why, rank, size] {
    std::this_thread::sleep_for(std::chrono::seconds(10));
    fmt::print(stderr, "kintsugi: rank {} of {}: {}\n", rank, size, why);
    std::_Exit(kFailed);
  }).detach();
}

}  // namespace

Rank start_rank(const RankOptions& o) {
  const Launch launch = detect_launch();
  const bool quiet = o.quiet || launch.rank != 0;
  if (!o.threads_given && launch.size > 1) set_threads(cores_each(launch));
  Rank r{device_of(launch, o.device, quiet), nullptr};
  r.communicator = join(launch, r.device, o.time_out, carrier_of(o.communicator));
  if (launch.way == Launch::Way::alone) return r;
  r.communicator->on_failure([rank = launch.rank, size = launch.size](const std::string& why) { end_later(why, rank, size); });
  if (!quiet)
    fmt::print(stderr, "ranks: {}, launched by {}, joined by {}; {} thread{} here\n", launch.size, launch.launcher, r.communicator->row(), threads(),
               threads() == 1 ? "" : "s");
  return r;
}

}  // namespace kintsugi
