#include "autograd/ops/cast.h"

#include "autograd/graph.h"
#include "autograd/op_scope.h"
#include "kernels/base/device_graph.h"

namespace kintsugi {
namespace {

constexpr const char* kOp = "cast";

void check(const Var& x, DType dtype) {
  for (DType t : {x.dtype(), dtype})
    KIN_CHECK(t == DType::f32 || t == DType::f64 || t == DType::bf16, kOp, ": only f32, f64 and bf16 become one another, got ", x.value(), " and ", dtype);
}

Var recorded(const Var& x, Tensor y) {
  return record(kOp, {x}, std::move(y), [from = x.dtype()](const Var& gy, const Wants&) { return Vars{cast(gy, from)}; });
}

}  // namespace

Var cast(const Var& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  const OpScope scope(kOp, {{"x", x}});
  check(x, dtype);
  return recorded(x, x.value().to(dtype));
}

Var cast_parameter(const Var& leaf, DType dtype) {
  if (leaf.dtype() == dtype) return leaf;
  const OpScope scope(kOp, {{"parameter", leaf}});
  check(leaf, dtype);
  KIN_CHECK(leaf.is_leaf(), kOp, ": a parameter must be a leaf, got the result of an op, ", leaf.value());
  VarState& s = *leaf.state();
  const bool recording = recording_device_work();
  if (recording && s.needs) return recorded(leaf, s.value.to(dtype));  // it may change between launches, so each makes its own
  if (s.copy && s.copy.dtype() == dtype && s.copy_version == s.value.version()) return recorded(leaf, s.copy);
  const Tensor copy = s.value.to(dtype);
  if (!recording) {  // else it is made anew by every launch, in the recording's memory
    s.copy = copy;
    s.copy_version = s.value.version();
  }
  return recorded(leaf, copy);
}

}  // namespace kintsugi
