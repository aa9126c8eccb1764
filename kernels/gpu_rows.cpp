#include "kernels/gpu_rows.h"

#include <cstdint>

#include "kernels/base/device_runtime.h"

namespace kintsugi {

const char* needs_hopper() {
  static const char* const answer = []() -> const char* {
    DeviceRuntime& cuda = device_runtime(DeviceKind::cuda);
    for (int i = 0; i < cuda.count(); ++i)
      if (cuda.refuses(i).empty() && cuda.facts(i).major != 9) return "needs a GPU of compute capability 9.0";
    return nullptr;
  }();
  return answer;
}

bool shared_memory_holds(size_t bytes) {
  static const size_t least = [] {
    size_t n = SIZE_MAX;
    DeviceRuntime& cuda = device_runtime(DeviceKind::cuda);
    for (int i = 0; i < cuda.count(); ++i)
      if (cuda.refuses(i).empty() && cuda.facts(i).shared_per_block < n) n = cuda.facts(i).shared_per_block;
    return n;
  }();
  return bytes <= least;
}

}  // namespace kintsugi
