// The libraries that the module can hold, one function each.
#pragma once
#include "apps/bench/yardsticks/yardstick.h"

namespace kintsugi::bench {

Yardstick onednn();
std::vector<YardstickRow> onednn_matmul_rows();
Yardstick openblas();
Yardstick eigen();

}  // namespace kintsugi::bench
