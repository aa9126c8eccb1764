#include "autograd/ops/resample.h"

#include <utility>

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "tensor/context.h"
#include "tensor/kernel_array.h"

namespace kintsugi {
namespace {

/// One axis where the kernel can read it.
class AxisArrays {
 public:
  AxisArrays(const ResampleTaps& t, Device d) : in_(t.in), out_(t.out), offset_(t.offset, d), index_(t.index, d), weight_(t.weight, d) {}
  ResampleAxis axis() const { return {offset_.data(), index_.data(), weight_.data(), in_, out_}; }

 private:
  int64_t in_, out_;
  KernelArray<int32_t> offset_, index_;
  KernelArray<double> weight_;
};

}  // namespace

Var resample(const char* op, const Var& x, std::shared_ptr<const ResamplePlan> plan) {
  const OpScope scope(op, {{"x", x}});
  const ResampleTaps &rows = plan->rows, &cols = plan->cols;
  KIN_CHECK(x.rank() == 4 && x.dim(1) == rows.in && x.dim(2) == cols.in, op, ": x must be [N,", rows.in, ",", cols.in, ",C], got ",
            x.value());
  const Tensor y({x.dim(0), rows.out, cols.out, x.dim(3)}, x.dtype(), x.value().device());
  const AxisArrays row_arrays(rows, y.device()), col_arrays(cols, y.device());
  resample2d(context_of(y), {x.value().raw(), y.raw(), x.dim(0), x.dim(3), row_arrays.axis(), col_arrays.axis(), x.dtype()});
  return record(op, {x}, y, [op, plan = std::move(plan)](const Var& gy, const Wants&) {
    auto transposed = std::make_shared<ResamplePlan>(ResamplePlan{plan->rows.transposed(), plan->cols.transposed()});
    return Vars{resample(op, gy, std::move(transposed))};
  });
}

}  // namespace kintsugi
