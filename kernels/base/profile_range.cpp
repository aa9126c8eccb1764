#include "kernels/base/profile_range.h"

#if defined(KIN_CUDA) && __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>

namespace kintsugi {
ProfileRange::ProfileRange(const char* name) { nvtxRangePushA(name); }
ProfileRange::~ProfileRange() { nvtxRangePop(); }
}  // namespace kintsugi
#else
namespace kintsugi {
ProfileRange::ProfileRange(const char*) {}
ProfileRange::~ProfileRange() {}
}  // namespace kintsugi
#endif
