#include "apps/bench/machine.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "apps/bench/peak.h"
#include "apps/bench/statistics.h"
#include "kernels/base/parallel.h"
#include "kernels/base/proc.h"

namespace kintsugi::bench {
namespace {

// As the kernel tells it; the C library's own figure counts every core's share of the socket, which a virtual machine does not have.
size_t last_level_cache() {
  for (const char* level : {"index3", "index2"}) {
    std::ifstream in(text("/sys/devices/system/cpu/cpu0/cache/", level, "/size"));  // "32768K"
    if (size_t kib = 0; in >> kib && kib > 0) return kib * 1024;
  }
  const long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE), l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return size_t(l3 > 0 ? l3 : l2 > 0 ? l2 : 32 << 20);
}

double multiply_add_rate(int threads, Clock clock) {
  constexpr int64_t kRounds = 1 << 18;
  const double flops = 2.0 * kChains * double(KIN_SIMD_PICK(fma_lanes)()) * double(kRounds) * threads;
  std::vector<double> seconds;
  for (int i = 0; i < 15; ++i) {
    const double start = seconds_now(clock);
    // The result is looked at, so that no compiler may leave the loop out.
    parallel_for(threads, 1, [](int64_t, int64_t) {
      KIN_CHECK(KIN_SIMD_PICK(fma_rounds)(kRounds, 0.999f) > 0, "bench: multiply-adds went wrong");
    });
    seconds.push_back(seconds_now(clock) - start);
  }
  return flops / median(seconds);
}

// Each thread copies its own piece.
double copy_rate(int threads, size_t cache, Clock clock) {
  const int64_t piece = int64_t(std::max<size_t>(cache, 32 << 20)) * 2 / threads / 64 * 64 / 4;  // floats
  Arrays arrays;
  const auto* from = static_cast<const float*>(arrays.normal(piece * threads));
  auto* to = arrays.out<float>(piece * threads);
  std::vector<double> seconds;
  for (int i = 0; i < 9; ++i) {
    const double start = seconds_now(clock);
    parallel_for(threads, 1, [&](int64_t t, int64_t) { KIN_SIMD_PICK(stream_copy)(from + t * piece, to + t * piece, piece); });
    seconds.push_back(seconds_now(clock) - start);
  }
  return 8.0 * double(piece) * threads / median(seconds);
}

}  // namespace

double seconds_now(Clock clock) {
  timespec t;
  clock_gettime(clock == Clock::wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

double Roof::floor_seconds(const Cost& cost) const { return std::max(cost.flops / flops, cost.bytes / bytes); }

const Roof& Machine::roof(int threads) const {
  for (const Roof& r : roofs)
    if (r.threads == threads) return r;
  fail("bench: no roof was measured for ", threads, " threads");
}

Machine measure_machine(int threads, Clock clock) {
  Machine m;
  m.processor = proc_value("/proc/cpuinfo", "model name");
  m.simd = kintsugi::name(simd_level());
  m.cores = int(std::thread::hardware_concurrency());
  m.cache = last_level_cache();
  if (double loads[1]; getloadavg(loads, 1) == 1) m.load = loads[0];
  const int before = kintsugi::threads();
  for (int n : {1, threads}) {
    if (!m.roofs.empty() && m.roofs.back().threads == n) continue;
    set_threads(n);
    m.roofs.push_back({n, multiply_add_rate(n, clock), copy_rate(n, m.cache, clock)});
  }
  set_threads(before);
  return m;
}

}  // namespace kintsugi::bench
