#include "kernels/base/simd.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string_view>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

SimdLevel machine_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return SimdLevel::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return SimdLevel::avx2;
#endif
  return SimdLevel::baseline;
}

SimdLevel first_level() {
  const char* wish = std::getenv("KINTSUGI_SIMD");
  if (!wish || !*wish) return machine_level();
  for (SimdLevel l : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512})
    if (std::string_view(wish) == name(l)) return std::min(l, machine_level());
  throw UsageError(text("KINTSUGI_SIMD: must be baseline, avx2 or avx512, got '", wish, "'"));
}

std::atomic<SimdLevel>& current() {
  static std::atomic<SimdLevel> level{first_level()};
  return level;
}

}  // namespace

SimdLevel simd_level() { return current().load(std::memory_order_relaxed); }

const char* name(SimdLevel level) {
  return level == SimdLevel::avx512 ? "avx512" : level == SimdLevel::avx2 ? "avx2" : "baseline";
}

SimdLevel set_simd_level(SimdLevel level) { return current().exchange(std::min(level, machine_level())); }

}  // namespace kintsugi
