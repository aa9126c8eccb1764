#include "kernels/picture_levels.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {

void picture_levels_ref(const Context&, const PictureLevels& a) {
  visit_float(a.dtype, "picture_levels", [&]<class T>() {
    const T* x = static_cast<const T*>(a.x);
    T* y = static_cast<T*>(a.y);
    parallel_for(a.n, grain_for(4), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) y[k] = 2 * (std::nearbyint(std::clamp(255 * x[k], T(0), T(255))) / 255) - 1;
    });
  });
}

}  // namespace kintsugi::cpu
