#include "tensor/random.h"

#include "kernels/base/parallel.h"
#include "kernels/base/philox.h"

namespace kintsugi {
namespace {

template <class Draw>
Tensor fill(Shape shape, DType dtype, const char* op, Draw&& draw) {
  Tensor t(shape, dtype);
  visit_float(dtype, op, [&]<class T>() {
    T* p = t.data<T>();
    parallel_for(t.numel(), 1 << 14, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) p[i] = T(draw(uint64_t(i)));
    });
  });
  return t;
}

}  // namespace

Tensor random_uniform(Shape shape, double lo, double hi, uint64_t seed, std::string_view purpose, uint64_t step, DType dtype) {
  const Philox g(seed, purpose, step);
  return fill(shape, dtype, "random_uniform", [&](uint64_t i) { return lo + (hi - lo) * double(g.uniform_at(i)); });
}

Tensor random_normal(Shape shape, double mean, double std, uint64_t seed, std::string_view purpose, uint64_t step, DType dtype) {
  const Philox g(seed, purpose, step);
  return fill(shape, dtype, "random_normal", [&](uint64_t i) { return mean + std * double(g.normal_at(i)); });
}

}  // namespace kintsugi
