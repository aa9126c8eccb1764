#include "apps/bench/yardsticks/opponents.h"

using namespace kintsugi::bench;

extern "C" __attribute__((visibility("default"))) void kintsugi_yardsticks(std::vector<Yardstick>& list) {
#ifdef KIN_YARDSTICK_onednn
  list.push_back(onednn());
#else
  list.push_back({"onednn", "", "libdnnl-dev was not found when this was built"});
#endif
#ifdef KIN_YARDSTICK_openblas
  list.push_back(openblas());
#else
  list.push_back({"openblas", "", "libopenblas-dev was not found when this was built"});
#endif
#ifdef KIN_YARDSTICK_eigen
  list.push_back(eigen());
#else
  list.push_back({"eigen", "", "libeigen3-dev was not found when this was built"});
#endif
}
