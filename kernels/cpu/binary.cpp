#include "kernels/cpu/binary.h"

#include "kernels/base/parallel.h"
#include "kernels/binary.h"

namespace kintsugi::cpu {
namespace {

template <class T>
T apply(BinaryOp op, T a, T b) {
  switch (op) {
    case BinaryOp::add: return a + b;
    case BinaryOp::sub: return a - b;
    case BinaryOp::mul: return a * b;
    case BinaryOp::div: return a / b;
    case BinaryOp::maximum: return a >= b || a != a ? a : b;
    case BinaryOp::minimum: return a <= b || a != a ? a : b;
    case BinaryOp::greater: return a > b ? T(1) : T(0);
  }
  return T(0);
}

}  // namespace

void binary_ref(const Context&, const Binary& p) {
  visit_float(p.dtype, "binary", [&]<class T>() {
    const T *a = static_cast<const T*>(p.a), *b = static_cast<const T*>(p.b);
    T* y = static_cast<T*>(p.y);
    const int last = p.walk.rank - 1;
    for_each_run(p.walk, 0, p.walk.count(), [&](int64_t at, int64_t oa, int64_t ob, int64_t n) {
      for (int64_t i = 0; i < n; ++i) y[at + i] = apply(p.op, a[oa + i * p.walk.a[last]], b[ob + i * p.walk.b[last]]);
    });
  });
}

void binary_fast(const Context&, const Binary& p) {
  const float *a = static_cast<const float*>(p.a), *b = static_cast<const float*>(p.b);
  float* y = static_cast<float*>(p.y);
  const int last = p.walk.rank - 1;
  const auto run = KIN_SIMD_PICK(binary_run);
  parallel_for(p.walk.count(), 1 << 16, [&](int64_t begin, int64_t end) {
    for_each_run(p.walk, begin, end, [&](int64_t at, int64_t oa, int64_t ob, int64_t n) {
      run(p.op, a + oa, p.walk.a[last], b + ob, p.walk.b[last], y + at, n);
    });
  });
}

}  // namespace kintsugi::cpu
