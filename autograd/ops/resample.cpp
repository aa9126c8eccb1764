#include "autograd/ops/resample.h"

#include <utility>

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "tensor/context.h"
#include "tensor/resample_arrays.h"

namespace kintsugi {

Var resample(const char* op, const Var& x, std::shared_ptr<const ResamplePlan> plan) {
  const OpScope scope(op, {{"x", x}});
  const ResampleTaps &rows = plan->rows, &cols = plan->cols;
  KIN_CHECK(x.rank() == 4 && x.dim(1) == rows.in && x.dim(2) == cols.in, op, ": x must be [N,", rows.in, ",", cols.in, ",C], got ",
            x.value());
  const Tensor y({x.dim(0), rows.out, cols.out, x.dim(3)}, x.dtype(), x.value().device());
  const ResampleArrays row_arrays(rows, y.device()), col_arrays(cols, y.device());
  resample2d(context_of(y), {x.value().raw(), y.raw(), x.dim(0), x.dim(3), row_arrays.axis(), col_arrays.axis(), x.dtype()});
  return record(op, {x}, y, [op, plan = std::move(plan)](const Var& gy, const Wants&) {
    auto transposed = std::make_shared<ResamplePlan>(ResamplePlan{plan->rows.transposed(), plan->cols.transposed()});
    return Vars{resample(op, gy, std::move(transposed))};
  });
}

}  // namespace kintsugi
