#include "kernels/cast.h"

#include "kernels/base/parallel.h"

namespace kintsugi::cpu {
namespace {

template <class F>
void visit_type(DType t, F&& f) {
  if (t == DType::bf16) f.template operator()<bf16>();
  else visit_float(t, "cast", f);
}

template <class To, class From>
To converted(From v) {
  if constexpr (std::is_same_v<From, bf16>) return To(float(v));
  else if constexpr (std::is_same_v<To, bf16>) return bf16(float(v));
  else return To(v);
}

}  // namespace

void cast_ref(const Context&, const Cast& c) {
  visit_type(c.from, [&]<class From>() {
    visit_type(c.to, [&]<class To>() {
      const From* x = static_cast<const From*>(c.x);
      To* y = static_cast<To*>(c.y);
      for (int64_t i = 0; i < c.n; ++i) y[i] = converted<To>(x[i]);
    });
  });
}

void cast_fast(const Context&, const Cast& c) {
  parallel_for(c.n, grain_for(1), [&](int64_t begin, int64_t end) {
    if (c.from == DType::bf16) {
      const bf16* x = static_cast<const bf16*>(c.x);
      float* y = static_cast<float*>(c.y);
      for (int64_t i = begin; i < end; ++i) y[i] = float(x[i]);
    } else {
      const float* x = static_cast<const float*>(c.x);
      bf16* y = static_cast<bf16*>(c.y);
      for (int64_t i = begin; i < end; ++i) y[i] = bf16(x[i]);
    }
  });
}

}  // namespace kintsugi::cpu
