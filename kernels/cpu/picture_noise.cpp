#include "kernels/picture_noise.h"

#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/philox.h"

namespace kintsugi::cpu {

void picture_noise_ref(const Context&, const PictureNoise& a) {
  visit_float(a.dtype, "picture_noise", [&]<class T>() {
    const T* x = static_cast<const T*>(a.x);
    T* y = static_cast<T*>(a.y);
    parallel_for(a.n * a.count, grain_for(200), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const int64_t n = k / a.count;
        const float z = Philox(a.stream[n].seed, a.stream[n].stream).normal_at(uint64_t(k % a.count));
        y[k] = std::clamp(x[k] + T(a.sigma[n]) * T(z), T(0), T(1));
      }
    });
  });
}

}  // namespace kintsugi::cpu
