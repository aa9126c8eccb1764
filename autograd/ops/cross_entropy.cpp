#include "autograd/ops/cross_entropy.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/indices.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/unary.h"
#include "kernels/cross_entropy.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

/// The smoothed one-hot rows q.
Var target_rows(const Tensor& target, int64_t classes, DType dtype, double smoothing) {
  const Var ones = Tensor::full(target.shape(), 1, dtype, target.device());
  return affine(place(ones, target, -1, classes), 1 - smoothing, smoothing / double(classes));
}

}  // namespace

Var cross_entropy(const Var& logits, const Tensor& target, double label_smoothing) {
  const char* op = "cross_entropy";
  const OpScope scope(op, {{"logits", logits}, {"target", target}});
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
  cross_entropy_fwd(context_of(x), {x.raw(), target.raw<int64_t>(), loss.raw(), g.raw(), rows, x.dim(-1), label_smoothing, x.dtype()});
  return record(op, {logits}, loss, [=, saved = Saved(op, logits)](const Var& gy, const Wants&) -> Vars {
    if (!grad_mode()) return {Var(g) * gy};
    const Var& v = saved.var();
    return {(softmax(v) - target_rows(target, v.dim(-1), v.dtype(), label_smoothing)) * (gy / double(rows))};
  });
}

}  // namespace kintsugi
