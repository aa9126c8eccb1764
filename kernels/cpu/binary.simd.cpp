#include "kernels/cpu/binary_simd.h"

namespace kintsugi::KIN_SIMD {
namespace {

// Each op reads the same for one float (the tail) and for a register.
struct Add { template <class V> static V of(V a, V b) { return a + b; } };
struct Sub { template <class V> static V of(V a, V b) { return a - b; } };
struct Mul { template <class V> static V of(V a, V b) { return a * b; } };
struct Div { template <class V> static V of(V a, V b) { return a / b; } };
struct Maximum { template <class V> static V of(V a, V b) { return (a >= b) | (a != a) ? a : b; } };
struct Minimum { template <class V> static V of(V a, V b) { return (a <= b) | (a != a) ? a : b; } };
struct Greater { template <class V> static V of(V a, V b) { return a > b ? V{} + 1.0f : V{}; } };

template <class Op>
void run(const float* a, int64_t sa, const float* b, int64_t sb, float* y, int64_t n) {
  int64_t i = 0;
  if (sa && sb) {
    for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
      store(y + i, Op::of(load(a + i), load(b + i)));
      store(y + i + kLanes, Op::of(load(a + i + kLanes), load(b + i + kLanes)));
    }
  } else if (sa) {
    const vec vb = splat(*b);
    for (; i + kLanes <= n; i += kLanes) store(y + i, Op::of(load(a + i), vb));
  } else if (sb) {
    const vec va = splat(*a);
    for (; i + kLanes <= n; i += kLanes) store(y + i, Op::of(va, load(b + i)));
  }
  for (; i < n; ++i) y[i] = Op::of(a[i * sa], b[i * sb]);
}

}  // namespace

void binary_run(BinaryOp op, const float* a, int64_t sa, const float* b, int64_t sb, float* y, int64_t n) {
  switch (op) {
    case BinaryOp::add: return run<Add>(a, sa, b, sb, y, n);
    case BinaryOp::sub: return run<Sub>(a, sa, b, sb, y, n);
    case BinaryOp::mul: return run<Mul>(a, sa, b, sb, y, n);
    case BinaryOp::div: return run<Div>(a, sa, b, sb, y, n);
    case BinaryOp::maximum: return run<Maximum>(a, sa, b, sb, y, n);
    case BinaryOp::minimum: return run<Minimum>(a, sa, b, sb, y, n);
    case BinaryOp::greater: return run<Greater>(a, sa, b, sb, y, n);
  }
}

}  // namespace kintsugi::KIN_SIMD
