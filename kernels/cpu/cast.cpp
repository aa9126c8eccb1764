#include "kernels/cast.h"

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {

void cast_ref(const Context&, const Cast& c) {
  visit_any(c.from, [&]<class From>(From*) {
    visit_any(c.to, [&]<class To>(To*) {
      const From* x = static_cast<const From*>(c.x);
      To* y = static_cast<To*>(c.y);
      parallel_for(c.n, grain_for(1), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) y[i] = converted<To>(x[i]);
      });
    });
  });
}

}  // namespace kintsugi::cpu
