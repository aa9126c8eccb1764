#include "autograd/ops/cross_entropy.h"

#include "autograd/node.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/indices.h"
#include "autograd/ops/softmax.h"
#include "kernels/cross_entropy.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

/// The smoothed one-hot rows q.
Tensor target_rows(const Tensor& target, const Shape& shape, DType dtype, double smoothing) {
  const int64_t classes = shape[-1];
  Tensor q = Tensor::full(shape, smoothing / double(classes), dtype);
  visit_float(dtype, "cross_entropy", [&]<class T>() {
    for (int64_t r = 0; r < target.numel(); ++r) q.data<T>()[r * classes + target.data<int64_t>()[r]] += T(1 - smoothing);
  });
  return q;
}

}  // namespace

Var cross_entropy(const Var& logits, const Tensor& target, double label_smoothing) {
  const char* op = "cross_entropy";
  KIN_CHECK(logits.rank() >= 1 && logits.numel() > 0, op, ": logits must be [...,K] and not empty, got ", logits.value());
  const auto dims = logits.shape().dims();
  KIN_CHECK(target.shape() == Shape(dims.first(dims.size() - 1)), op, ": target must have the shape of logits without K, got ", target,
            " (logits: ", logits.value(), ")");
  KIN_CHECK(label_smoothing >= 0 && label_smoothing <= 1, op, ": label_smoothing must be in [0, 1], got ", label_smoothing);
  check_indices(op, "target", target, logits.dim(-1));
  const Tensor& x = logits.value();
  const int64_t rows = target.numel();
  const Tensor loss({}, x.dtype(), x.device());
  const Tensor g = grad_mode() && logits.needs_grad() ? Tensor(x.shape(), x.dtype(), x.device()) : Tensor();
  cross_entropy_fwd(context_of(x), {x.raw(), target.data<int64_t>(), loss.raw(), g.raw(), rows, x.dim(-1), label_smoothing, x.dtype()});
  return record(op, {logits}, loss, [=, saved = Saved(op, logits)](const Var& gy, const Wants&) -> Vars {
    if (!grad_mode()) return {Var(g) * gy};
    const Var& v = saved.var();
    return {(softmax(v) - target_rows(target, v.shape(), v.dtype(), label_smoothing)) * (gy / double(rows))};
  });
}

}  // namespace kintsugi
