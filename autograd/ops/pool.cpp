#include "autograd/ops/pool.h"

#include <algorithm>

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/resample.h"
#include "autograd/replay.h"
#include "kernels/pool.h"
#include "tensor/context.h"
#include "tensor/kernel_array.h"

namespace kintsugi {
namespace {

struct Windows {
  int64_t in;
  std::vector<int32_t> begin, end;
  int64_t out() const { return int64_t(begin.size()); }
};

/// The windows of one axis where the kernel can read them.
class WindowArrays {
 public:
  WindowArrays(const Windows& w, Device d) : in_(w.in), out_(w.out()), begin_(w.begin, d), end_(w.end, d) {}
  PoolWindows view() const { return {begin_.data(), end_.data(), in_, out_}; }

 private:
  int64_t in_, out_;
  KernelArray<int32_t> begin_, end_;
};

void check_image(const char* op, const Var& x) {
  KIN_CHECK(x.rank() == 4 && x.dim(1) > 0 && x.dim(2) > 0, op, ": x must be [N,H,W,C] with pixels, got ", x.value());
}

void check_window(const char* op, const Var& x, int64_t kernel, int64_t stride, int64_t pad) {
  check_image(op, x);
  KIN_CHECK(kernel > 0, op, ": kernel must be positive, got ", kernel);
  KIN_CHECK(stride > 0, op, ": stride must be positive, got ", stride);
  KIN_CHECK(pad >= 0 && 2 * pad <= kernel, op, ": pad must be within 0 and kernel/2 = ", kernel / 2, ", got ", pad);
  KIN_CHECK(std::min(x.dim(1), x.dim(2)) + 2 * pad >= kernel, op, ": kernel must fit the padded image, got ", kernel, " for ", x.value(),
            " with pad ", pad);
}

Windows sliding(int64_t in, int64_t kernel, int64_t stride, int64_t pad) {
  Windows w{in, {}, {}};
  for (int64_t i = 0; i <= (in + 2 * pad - kernel) / stride; ++i) {
    w.begin.push_back(int32_t(std::max<int64_t>(0, i * stride - pad)));
    w.end.push_back(int32_t(std::min(in, i * stride - pad + kernel)));
  }
  return w;
}

Windows adaptive(int64_t in, int64_t out) {
  Windows w{in, {}, {}};
  for (int64_t i = 0; i < out; ++i) {
    w.begin.push_back(int32_t(i * in / out));
    w.end.push_back(int32_t(((i + 1) * in + out - 1) / out));
  }
  return w;
}

Var scatter(const Var& gy, const Tensor& index, int64_t h, int64_t w);

Tensor gathered(const Tensor& x, const Tensor& index) {
  Tensor y(index.shape(), x.dtype(), x.device());
  max_pool_gather(context_of(x), {x.raw(), index.raw<int32_t>(), y.raw(), x.dim(0), x.dim(1) * x.dim(2),
                                        index.dim(1) * index.dim(2), x.dim(3), x.dtype()});
  return y;
}

Var gather(const Var& x, const Tensor& index) {
  return record("max_pool", {x}, gathered(x.value(), index),
                [index, h = x.dim(1), w = x.dim(2)](const Var& g, const Wants&) { return Vars{scatter(g, index, h, w)}; });
}

Var scatter(const Var& gy, const Tensor& index, int64_t h, int64_t w) {
  Tensor gx({gy.dim(0), h, w, gy.dim(3)}, gy.dtype(), gy.value().device());
  max_pool_scatter(context_of(gx), {gy.value().raw(), index.raw<int32_t>(), gx.raw(), gy.dim(0), h * w,
                                          gy.dim(1) * gy.dim(2), gy.dim(3), gy.dtype()});
  return record("max_pool", {gy}, gx, [index](const Var& g, const Wants&) { return Vars{gather(g, index)}; });
}

Var max_over(const Var& x, const Windows& rows, const Windows& cols) {
  const OpScope scope("max_pool", {{"x", x}});
  const Tensor& v = x.value();
  Tensor y({v.dim(0), rows.out(), cols.out(), v.dim(3)}, v.dtype(), v.device());
  Tensor index(y.shape(), DType::i32, v.device());
  const WindowArrays row_arrays(rows, v.device()), col_arrays(cols, v.device());
  max_pool_fwd(context_of(v),
               {v.raw(), y.raw(), index.raw<int32_t>(), v.dim(0), v.dim(3), row_arrays.view(), col_arrays.view(), v.dtype()});
  if (replaying()) return gather(x, replayed(index));
  return record("max_pool", {x}, y, [index, h = v.dim(1), w = v.dim(2)](const Var& gy, const Wants&) {
    return Vars{scatter(gy, index, h, w)};
  });
}

}  // namespace

Var avg_pool(const Var& x, int64_t kernel, int64_t stride, int64_t pad, bool count_include_pad) {
  check_window("avg_pool", x, kernel, stride, pad);
  return resample("avg_pool", x,
                  std::make_shared<ResamplePlan>(ResamplePlan{avg_pool_taps(x.dim(1), kernel, stride, pad, count_include_pad),
                                                              avg_pool_taps(x.dim(2), kernel, stride, pad, count_include_pad)}));
}

Var max_pool(const Var& x, int64_t kernel, int64_t stride, int64_t pad) {
  check_window("max_pool", x, kernel, stride, pad);
  return max_over(x, sliding(x.dim(1), kernel, stride, pad), sliding(x.dim(2), kernel, stride, pad));
}

Var adaptive_avg_pool(const Var& x, int64_t h, int64_t w) {
  check_image("adaptive_avg_pool", x);
  KIN_CHECK(h > 0 && w > 0, "adaptive_avg_pool: size must be positive, got ", h, " x ", w);
  return resample("adaptive_avg_pool", x,
                  std::make_shared<ResamplePlan>(ResamplePlan{resize_taps(ResizeMode::area, x.dim(1), h, false, false),
                                                              resize_taps(ResizeMode::area, x.dim(2), w, false, false)}));
}

Var adaptive_max_pool(const Var& x, int64_t h, int64_t w) {
  check_image("adaptive_max_pool", x);
  KIN_CHECK(h > 0 && w > 0, "adaptive_max_pool: size must be positive, got ", h, " x ", w);
  return max_over(x, adaptive(x.dim(1), h), adaptive(x.dim(2), w));
}

}  // namespace kintsugi
