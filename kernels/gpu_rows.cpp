#include "kernels/gpu_rows.h"

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

}  // namespace kintsugi
