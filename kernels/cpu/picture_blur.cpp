#include "kernels/picture_blur.h"

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {

void picture_blur_ref(const Context&, const PictureBlur& a) {
  visit_float(a.dtype, "picture_blur", [&]<class T>() {
    const T* x = static_cast<const T*>(a.x);
    T* y = static_cast<T*>(a.y);
    parallel_for(a.n * a.h, grain_for(2 * a.w * a.c * a.kh * a.kw), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t j = 0; j < a.w; ++j)
          for (int64_t c = 0; c < a.c; ++c) {
            const int64_t n = row / a.h, i = row % a.h;
            double sum = 0;
            for (int64_t p = 0; p < a.kh; ++p)
              for (int64_t q = 0; q < a.kw; ++q)
                sum += double(a.k[(n * a.kh + p) * a.kw + q]) *
                       double(x[((n * a.h + mirrored(i + p - a.kh / 2, a.h)) * a.w + mirrored(j + q - a.kw / 2, a.w)) * a.c + c]);
            y[(row * a.w + j) * a.c + c] = T(sum);
          }
    });
  });
}

}  // namespace kintsugi::cpu
