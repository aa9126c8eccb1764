#include "autograd/ops/reduce.h"

#include <algorithm>
#include <numeric>

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/replay.h"
#include "kernels/reduce.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

std::vector<int> all_axes(const Var& x) {
  std::vector<int> axes(size_t(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

/// Sorted, without negatives; throws when one comes twice.
std::vector<int> checked_axes(const char* op, const Shape& s, std::vector<int> axes) {
  for (int& a : axes) {
    KIN_CHECK(a >= -s.rank() && a < s.rank(), op, ": axis must be in [", -s.rank(), ",", s.rank(), "), got ", a, " for x ", s);
    a = s.axis(a);
  }
  std::sort(axes.begin(), axes.end());
  KIN_CHECK(std::adjacent_find(axes.begin(), axes.end()) == axes.end(), op, ": each axis must come once");
  return axes;
}

Shape kept_shape(const Shape& s, const std::vector<int>& axes) {
  Shape out = s;
  for (int a : axes) out.set(a, 1);
  return out;
}

Shape dropped_shape(const Shape& s, const std::vector<int>& axes) {
  std::vector<int64_t> dims;
  for (int d = 0; d < s.rank(); ++d)
    if (!std::binary_search(axes.begin(), axes.end(), d)) dims.push_back(s[d]);
  return Shape(dims);
}

/// scale * sum over sorted axes, shape kept. One kernel call per run of neighbouring axes, last run first.
Tensor sum_axes(Tensor x, std::vector<int> axes, double scale) {
  if (axes.empty()) axes.push_back(x.rank());  // an empty run: [all, 1, 1] is copied and scaled
  while (!axes.empty()) {
    const int end = axes.back() + 1;
    int begin = axes.back();
    axes.pop_back();
    while (!axes.empty() && axes.back() == begin - 1) begin = axes.back(), axes.pop_back();
    const Shape& s = x.shape();
    std::vector<int> run(size_t(std::min(end, s.rank()) - std::min(begin, s.rank())));
    std::iota(run.begin(), run.end(), begin);
    Tensor y(kept_shape(s, run), x.dtype(), x.device());
    ReduceSum p;
    p.dtype = x.dtype();
    p.outer = s.product(0, std::min(begin, s.rank()));
    p.reduced = s.product(begin, std::min(end, s.rank()));
    p.inner = s.product(end, s.rank());
    p.scale = axes.empty() ? scale : 1.0;
    p.x = x.raw();
    p.y = y.raw();
    reduce_sum(context_of(x), p);
    x = y;
  }
  return x;
}

Var scaled_sum(const char* op, const Var& x, const std::vector<int>& which, bool keepdims, bool divide) {
  const OpScope scope(op, {{"x", x}});
  const std::vector<int> axes = checked_axes(op, x.shape(), which);
  const Shape kept = kept_shape(x.shape(), axes);
  const double scale = divide ? double(kept.numel()) / double(x.numel()) : 1.0;
  KIN_CHECK(!divide || x.numel() > 0, op, ": x must not be empty, got ", x.shape());
  const Tensor y = sum_axes(x.value(), axes, scale);
  return record(op, {x}, keepdims ? y : y.reshape(dropped_shape(x.shape(), axes)),
                [from = x.shape(), kept, scale](const Var& gy, const Wants&) {
                  const Var g = reshape(gy, kept);
                  return Vars{expand(scale == 1.0 ? g : affine(g, scale, 0), from)};
                });
}

struct Line {
  int64_t outer, reduced, inner;
};
Line line_of(const Shape& s, int axis) { return {s.product(0, axis), s[axis], s.product(axis + 1, s.rank())}; }

Tensor pick_or_place(bool place, const Tensor& x, const Tensor& index, Line line, const Shape& shape) {
  Tensor y(shape, x.dtype(), x.device());
  PickPlace p;
  p.place = place;
  p.dtype = x.dtype();
  p.outer = line.outer;
  p.reduced = line.reduced;
  p.inner = line.inner;
  p.x = x.raw();
  p.index = index.raw<int64_t>();
  p.y = y.raw();
  pick_place(context_of(x), p);
  return y;
}

void check_index(const char* op, const Tensor& index, const Shape& expected, int64_t length) {
  KIN_CHECK(index.shape() == expected && index.dtype() == DType::i64, op, ": index must be ", expected, " i64, got ", index);
  if (index.device().kind != DeviceKind::cpu) return;
  for (int64_t i : index.span<int64_t>()) KIN_CHECK(i >= 0 && i < length, op, ": index must be in [0,", length, "), got ", i);
}

}  // namespace

Var sum(const Var& x) { return sum(x, all_axes(x)); }
Var sum(const Var& x, const std::vector<int>& axes, bool keepdims) { return scaled_sum("sum", x, axes, keepdims, false); }
Var mean(const Var& x) { return mean(x, all_axes(x)); }
Var mean(const Var& x, const std::vector<int>& axes, bool keepdims) { return scaled_sum("mean", x, axes, keepdims, true); }

Var sum_to(const Var& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int added = x.rank() - shape.rank();
  KIN_CHECK(added >= 0 && broadcast_shape("sum_to", shape, x.shape()) == x.shape(), "sum_to: shape must be one that broadcasts to x ",
            x.shape(), ", got ", shape);
  std::vector<int> axes;
  for (int d = 0; d < x.rank(); ++d)
    if (d < added || (shape[d - added] == 1 && x.dim(d) != 1)) axes.push_back(d);
  return reshape(sum(x, axes, true), shape);
}

Tensor argmax(const Var& x, int axis) {
  const OpScope scope("argmax", {{"x", x}});
  const std::vector<int> axes = checked_axes("argmax", x.shape(), {axis});
  KIN_CHECK(x.dim(axes[0]) > 0, "argmax: axis ", axis, " must not be empty, got x ", x.shape());
  Tensor index(dropped_shape(x.shape(), axes), DType::i64, x.value().device());
  const Line line = line_of(x.shape(), axes[0]);
  ReduceMax p;
  p.dtype = x.dtype();
  p.outer = line.outer;
  p.reduced = line.reduced;
  p.inner = line.inner;
  p.x = x.value().raw();
  p.index = index.raw<int64_t>();
  reduce_max(context_of(x.value()), p);
  return replayed(index);
}

Var pick(const Var& x, const Tensor& index, int axis) {
  const OpScope scope("pick", {{"x", x}, {"index", index}});
  const std::vector<int> axes = checked_axes("pick", x.shape(), {axis});
  const int a = axes[0];
  const Shape shape = dropped_shape(x.shape(), axes);
  check_index("pick", index, shape, x.dim(a));
  return record("pick", {x}, pick_or_place(false, x.value(), index, line_of(x.shape(), a), shape),
                [index, a, length = x.dim(a)](const Var& gy, const Wants&) { return Vars{place(gy, index, a, length)}; });
}

Var place(const Var& x, const Tensor& index, int axis, int64_t length) {
  const OpScope scope("place", {{"x", x}, {"index", index}});
  std::vector<int64_t> dims(x.shape().begin(), x.shape().end());
  const int rank = x.rank() + 1, a = axis < 0 ? axis + rank : axis;
  KIN_CHECK(a >= 0 && a < rank, "place: axis must be in [", -rank, ",", rank, "), got ", axis);
  check_index("place", index, x.shape(), length);
  dims.insert(dims.begin() + a, length);
  const Shape shape(dims);
  return record("place", {x}, pick_or_place(true, x.value(), index, line_of(shape, a), shape),
                [index, a](const Var& gy, const Wants&) { return Vars{pick(gy, index, a)}; });
}

Var max(const Var& x) { return max(x, all_axes(x)); }

Var max(const Var& x, const std::vector<int>& which, bool keepdims) {
  const std::vector<int> axes = checked_axes("max", x.shape(), which);
  const Shape kept = kept_shape(x.shape(), axes), dropped = dropped_shape(x.shape(), axes);
  // The reduced axes become one, the last: then the maximum is a pick, and pick is differentiable without end.
  std::vector<int> order;
  for (int d = 0; d < x.rank(); ++d)
    if (!std::binary_search(axes.begin(), axes.end(), d)) order.push_back(d);
  const bool already_last = axes.empty() || axes.front() == int(order.size());
  order.insert(order.end(), axes.begin(), axes.end());
  const Var moved = already_last ? x : permute(x, order);
  const Var lines = reshape(moved, {kept.numel(), kept.numel() ? x.numel() / kept.numel() : 1});
  return reshape(pick(lines, argmax(lines, 1), 1), keepdims ? kept : dropped);
}

}  // namespace kintsugi
