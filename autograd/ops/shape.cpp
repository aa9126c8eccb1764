#include "autograd/ops/shape.h"

#include <array>

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/reduce.h"
#include "kernels/strided_copy.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

using Strides = std::array<int64_t, kMaxRank>;

/// Row-major strides in elements.
Strides strides_of(const Shape& s) {
  Strides st{};
  int64_t n = 1;
  for (int d = s.rank() - 1; d >= 0; --d) {
    st[d] = n;
    n *= s[d];
  }
  return st;
}

/// Copies a box between two tensors: `size` elements along each axis, from offsets given in elements.
void copy_box(const Tensor& dst, int64_t dst_offset, const Strides& dst_strides, const Tensor& src, int64_t src_offset,
              const Strides& src_strides, const Shape& size) {
  if (size.numel() == 0) return;
  StridedCopy c;
  c.dtype = dst.dtype();
  c.dst = static_cast<char*>(dst.raw()) + size_t(dst_offset) * size_of(dst.dtype());
  c.src = static_cast<const char*>(src.raw()) + size_t(src_offset) * size_of(src.dtype());
  for (int d = 0; d < size.rank(); ++d) c.walk.push(size[d], dst_strides[d], src_strides[d]);
  c.walk.coalesce();
  strided_copy(context_of(dst), c);
}

int64_t offset_of(const std::vector<int64_t>& begin, const Strides& strides) {
  int64_t at = 0;
  for (size_t d = 0; d < begin.size(); ++d) at += begin[d] * strides[d];
  return at;
}

void check_box(const char* op, const std::vector<int64_t>& begin, const Shape& size, const Shape& whole) {
  KIN_CHECK(int(begin.size()) == whole.rank() && size.rank() == whole.rank(), op, ": begin and size must have ", whole.rank(),
            " numbers, got ", begin.size(), " and ", size.rank());
  for (int d = 0; d < whole.rank(); ++d)
    KIN_CHECK(begin[d] >= 0 && begin[d] + size[d] <= whole[d], op, ": axis ", d, " must lie in [0,", whole[d], "), got [", begin[d], ",",
              begin[d] + size[d], ") of ", whole);
}

}  // namespace

Var reshape(const Var& x, const Shape& shape) {
  KIN_CHECK(shape.numel() == x.numel(), "reshape: shape must have ", x.numel(), " elements, got ", shape, " for x ", x.shape());
  return record("reshape", {x}, x.value().reshape(shape),
                [from = x.shape()](const Var& gy, const Wants&) { return Vars{reshape(gy, from)}; });
}

Var permute(const Var& x, const std::vector<int>& order) {
  const OpScope scope("permute", {{"x", x}});
  const int rank = x.rank();
  KIN_CHECK(int(order.size()) == rank, "permute: order must have ", rank, " axes, got ", order.size(), " for x ", x.shape());
  std::vector<int> inverse(size_t(rank), -1);
  std::vector<int64_t> dims;
  const Strides from = strides_of(x.shape());
  Strides src{};
  for (int d = 0; d < rank; ++d) {
    const int a = x.shape().axis(order[size_t(d)]);
    KIN_CHECK(inverse[size_t(a)] < 0, "permute: order must name each axis once, axis ", a, " comes twice");
    inverse[size_t(a)] = d;
    dims.push_back(x.dim(a));
    src[d] = from[a];
  }
  Tensor y{Shape(dims), x.dtype(), x.value().device()};
  copy_box(y, 0, strides_of(y.shape()), x.value(), 0, src, y.shape());
  return record("permute", {x}, y, [inverse](const Var& gy, const Wants&) { return Vars{permute(gy, inverse)}; });
}

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(size_t(rank), 1);
  for (int d = 1; d <= rank; ++d) {
    const int64_t m = d <= a.rank() ? a[-d] : 1, n = d <= b.rank() ? b[-d] : 1;
    KIN_CHECK(m == n || m == 1 || n == 1, op, ": a and b must broadcast, got ", a, " and ", b);
    dims[size_t(rank - d)] = m == 1 ? n : m;
  }
  return Shape(dims);
}

Var expand(const Var& x, const Shape& shape) {
  const OpScope scope("expand", {{"x", x}});
  if (x.shape() == shape) return x;
  KIN_CHECK(x.rank() <= shape.rank() && broadcast_shape("expand", x.shape(), shape) == shape, "expand: shape must be one that x ",
            x.shape(), " broadcasts to, got ", shape);
  const Strides from = strides_of(x.shape());
  Strides src{};
  for (int d = 1; d <= x.rank(); ++d) src[shape.rank() - d] = x.dim(-d) == 1 ? 0 : from[x.rank() - d];
  Tensor y(shape, x.dtype(), x.value().device());
  copy_box(y, 0, strides_of(shape), x.value(), 0, src, shape);
  return record("expand", {x}, y, [from = x.shape()](const Var& gy, const Wants&) { return Vars{sum_to(gy, from)}; });
}

Var slice(const Var& x, const std::vector<int64_t>& begin, const Shape& size) {
  const OpScope scope("slice", {{"x", x}});
  check_box("slice", begin, size, x.shape());
  if (size == x.shape()) return x;
  const Strides src = strides_of(x.shape());
  Tensor y(size, x.dtype(), x.value().device());
  copy_box(y, 0, strides_of(size), x.value(), offset_of(begin, src), src, size);
  return record("slice", {x}, y, [begin, from = x.shape()](const Var& gy, const Wants&) { return Vars{embed(gy, begin, from)}; });
}

Var embed(const Var& x, const std::vector<int64_t>& begin, const Shape& shape, double value) {
  const OpScope scope("embed", {{"x", x}});
  check_box("embed", begin, x.shape(), shape);
  Tensor y = Tensor::full(shape, value, x.dtype(), x.value().device());
  const Strides dst = strides_of(shape);
  copy_box(y, offset_of(begin, dst), dst, x.value(), 0, strides_of(x.shape()), x.shape());
  return record("embed", {x}, y, [begin, size = x.shape()](const Var& gy, const Wants&) { return Vars{slice(gy, begin, size)}; });
}

Var narrow(const Var& x, int axis, int64_t begin, int64_t length) {
  const int a = x.shape().axis(axis);
  KIN_CHECK(begin >= 0 && length >= 0 && begin + length <= x.dim(a), "narrow: range must lie in [0,", x.dim(a), ") of axis ", a, ", got [",
            begin, ",", begin + length, ") of x ", x.shape());
  std::vector<int64_t> from(size_t(x.rank()), 0);
  from[size_t(a)] = begin;
  Shape size = x.shape();
  size.set(a, length);
  return slice(x, from, size);
}

Var concat(std::span<const Var> parts, int axis) {
  KIN_CHECK(!parts.empty(), "concat: parts must not be empty");
  const OpName scope("concat");
  const Shape& first = parts[0].shape();
  const int a = first.axis(axis);
  int64_t length = 0;
  for (const Var& p : parts) {
    Shape expected = first;
    if (p.rank() == first.rank()) expected.set(a, p.dim(a));
    KIN_CHECK(p.shape() == expected, "concat: parts must agree off axis ", a, ", got ", first, " and ", p.shape());
    KIN_CHECK(p.value().device() == parts[0].value().device(), "concat: parts must be on one device, got ", parts[0].value(), " and ", p.value());
    KIN_CHECK(p.dtype() == parts[0].dtype(), "concat: parts must have one dtype, got ", parts[0].dtype(), " and ", p.dtype());
    length += p.dim(a);
  }
  Shape shape = first;
  shape.set(a, length);
  Tensor y(shape, parts[0].dtype(), parts[0].value().device());
  const Strides dst = strides_of(shape);
  std::vector<Shape> sizes;
  int64_t at = 0;
  for (const Var& p : parts) {
    copy_box(y, at * dst[a], dst, p.value(), 0, strides_of(p.shape()), p.shape());
    at += p.dim(a);
    sizes.push_back(p.shape());
  }
  return record("concat", Vars(parts.begin(), parts.end()), y, [a, sizes](const Var& gy, const Wants& want) {
    Vars grads(sizes.size());
    int64_t from = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (want[int(i)]) grads[i] = narrow(gy, a, from, sizes[i][a]);
      from += sizes[i][a];
    }
    return grads;
  });
}

Var concat(std::initializer_list<Var> parts, int axis) { return concat(std::span(parts.begin(), parts.size()), axis); }

Var stack(std::span<const Var> parts, int axis) {
  KIN_CHECK(!parts.empty(), "stack: parts must not be empty");
  std::vector<int64_t> dims(parts[0].shape().begin(), parts[0].shape().end());
  const int rank = int(dims.size()) + 1, a = axis < 0 ? axis + rank : axis;
  KIN_CHECK(a >= 0 && a < rank, "stack: axis must be one of the ", rank, " new axes, got ", axis);
  dims.insert(dims.begin() + a, 1);
  Vars lifted;
  for (const Var& p : parts) {
    KIN_CHECK(p.shape() == parts[0].shape(), "stack: parts must have one shape, got ", parts[0].shape(), " and ", p.shape());
    lifted.push_back(reshape(p, Shape(dims)));
  }
  return concat(std::span<const Var>(lifted), a);
}

Var stack(std::initializer_list<Var> parts, int axis) { return stack(std::span(parts.begin(), parts.size()), axis); }

Var crop(const Var& x, int64_t top, int64_t left, int64_t height, int64_t width) {
  KIN_CHECK(x.rank() == 4, "crop: x must be [N,H,W,C], got ", x.shape());
  return slice(x, {0, top, left, 0}, {x.dim(0), height, width, x.dim(3)});
}

Var pixel_shuffle(const Var& x, int r) {
  KIN_CHECK(x.rank() == 4 && r >= 1 && x.dim(3) % (int64_t(r) * r) == 0, "pixel_shuffle: x must be [N,H,W,C*", r, "*", r, "], got ", x.shape());
  const int64_t n = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3) / (int64_t(r) * r);
  return reshape(permute(reshape(x, {n, h, w, c, r, r}), {0, 1, 4, 2, 5, 3}), {n, h * r, w * r, c});
}

Var pixel_unshuffle(const Var& x, int r) {
  KIN_CHECK(x.rank() == 4 && r >= 1 && x.dim(1) % r == 0 && x.dim(2) % r == 0, "pixel_unshuffle: x must be [N,H*", r, ",W*", r, ",C], got ",
            x.shape());
  const int64_t n = x.dim(0), h = x.dim(1) / r, w = x.dim(2) / r, c = x.dim(3);
  return reshape(permute(reshape(x, {n, h, r, w, r, c}), {0, 1, 3, 5, 2, 4}), {n, h, w, c * r * r});
}

}  // namespace kintsugi
