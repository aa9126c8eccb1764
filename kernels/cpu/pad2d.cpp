#include "kernels/pad2d.h"

#include <algorithm>

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {
namespace {

template <class T>
void add_pixels(T* to, const T* from, int64_t count) {
  for (int64_t k = 0; k < count; ++k) to[k] += from[k];
}

// One row of the padded image from its source row, and back. The middle is one block.
template <class T>
void pad_row(const Pad2d& p, const T* from, T* to) {
  for (int64_t j = 0; j < p.left; ++j) std::copy_n(from + border_index(p.border, j - p.left, p.w) * p.c, p.c, to + j * p.c);
  std::copy_n(from, p.w * p.c, to + p.left * p.c);
  for (int64_t j = p.w; j < p.w + p.right; ++j) std::copy_n(from + border_index(p.border, j, p.w) * p.c, p.c, to + (p.left + j) * p.c);
}
template <class T>
void add_row(const Pad2d& p, const T* from, T* to) {
  for (int64_t j = 0; j < p.left; ++j) add_pixels(to + border_index(p.border, j - p.left, p.w) * p.c, from + j * p.c, p.c);
  add_pixels(to, from + p.left * p.c, p.w * p.c);
  for (int64_t j = p.w; j < p.w + p.right; ++j) add_pixels(to + border_index(p.border, j, p.w) * p.c, from + (p.left + j) * p.c, p.c);
}

}  // namespace

void pad2d_ref(const Context&, const Pad2d& p) {
  visit_float(p.dtype, "pad2d", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    T* y = static_cast<T*>(p.y);
    const int64_t oh = p.h + p.top + p.bottom, ow = p.w + p.left + p.right;
    if (p.adjoint) std::fill_n(y, p.n * p.h * p.w * p.c, T(0));
    for (int64_t n = 0; n < p.n; ++n)
      for (int64_t i = 0; i < oh; ++i)
        for (int64_t j = 0; j < ow; ++j)
          for (int64_t c = 0; c < p.c; ++c) {
            const int64_t inside =
                ((n * p.h + border_index(p.border, i - p.top, p.h)) * p.w + border_index(p.border, j - p.left, p.w)) * p.c + c;
            const int64_t padded = ((n * oh + i) * ow + j) * p.c + c;
            if (p.adjoint) y[inside] += x[padded];
            else y[padded] = x[inside];
          }
  });
}

void pad2d_fast(const Context&, const Pad2d& p) {
  visit_float(p.dtype, "pad2d", [&]<class T>() {
    const T* x = static_cast<const T*>(p.x);
    T* y = static_cast<T*>(p.y);
    const int64_t oh = p.h + p.top + p.bottom, inside = p.w * p.c, padded = (p.w + p.left + p.right) * p.c;
    if (!p.adjoint) {
      parallel_for(p.n * oh, grain_for(padded), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r)
          pad_row(p, x + (r / oh * p.h + border_index(p.border, r % oh - p.top, p.h)) * inside, y + r * padded);
      });
      return;
    }
    // Each source row collects the padded rows that came from it, so threads never meet.
    parallel_for(p.n * p.h, grain_for(padded), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        std::fill_n(y + r * inside, inside, T(0));
        for (int64_t i = 0; i < oh; ++i)
          if (border_index(p.border, i - p.top, p.h) == r % p.h) add_row(p, x + (r / p.h * oh + i) * padded, y + r * inside);
      }
    });
  });
}

}  // namespace kintsugi::cpu
