#include "autograd/ops/batch_norm.h"

#include <utility>

#include "autograd/op_scope.h"
#include "autograd/ops/all_reduce.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/group_norm.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "kernels/base/device_graph.h"
#include "kernels/base/statistics.h"
#include "kernels/running_statistics.h"
#include "tensor/communicator.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {

void update_running(const Tensor& mean, const Tensor& var, const Tensor& batch_mean, const Tensor& batch_rstd, int64_t rows, const BatchNormOptions& o) {
  running_statistics(context_of(mean), {batch_mean.raw(), batch_rstd.raw(), mean.raw(), var.raw(), mean.numel(), rows, o.momentum, o.eps, mean.dtype()});
  beside_device_work([mean, var] { mean.bump_version(), var.bump_version(); });
}

thread_local std::shared_ptr<Communicator> sync_across;

struct Normalised {
  Var y;
  Tensor mean, rstd;
};

// Sums over the other axes go to all ranks; what is done with them is the same everywhere.
Normalised across_ranks(const Var& x, const Var& gamma, const Var& beta, double rows, const BatchNormOptions& o) {
  std::vector<int> axes;
  for (int i = 0; i + 1 < x.rank(); ++i) axes.push_back(i);
  const Var mean = all_reduce(sum(x, axes), sync_across) * (1 / rows), centred = x - mean;
  const Var rstd = rsqrt(all_reduce(sum(square(centred), axes), sync_across) * (1 / rows) + o.eps);
  return {centred * rstd * gamma + beta, mean.value(), rstd.value()};
}

}  // namespace

SyncBatchNorm::SyncBatchNorm(std::shared_ptr<Communicator> across) : outer_(std::exchange(sync_across, std::move(across))) {}
SyncBatchNorm::~SyncBatchNorm() { sync_across = std::move(outer_); }

Var batch_norm(const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean, const Tensor& running_var,
               const BatchNormOptions& o) {
  const char* op = "batch_norm";
  const OpScope scope(op, {{"x", x}, {"gamma", gamma}, {"beta", beta}, {"running_mean", running_mean}, {"running_var", running_var}});
  KIN_CHECK(x.rank() >= 2, op, ": x must be [...,C], got ", x.value());
  const int64_t channels = x.dim(-1), rows = x.shape().product(0, x.rank() - 1);
  check_channel_vector(op, "gamma", gamma, channels, x);
  check_channel_vector(op, "beta", beta, channels, x);
  const DType statistics = statistics_dtype(x.dtype());
  for (const auto& [name, t] : {std::pair{"running_mean", &running_mean}, {"running_var", &running_var}})
    KIN_CHECK(t->shape() == Shape{channels} && t->dtype() == statistics, op, ": ", name, " must be [", channels, "] ", statistics, ", got ", *t, " (x: ", x.value(), ")");
  if (o.training) {
    const int64_t all_rows = sync_across ? rows * sync_across->size() : rows;
    KIN_CHECK(all_rows >= 2, op, ": training needs at least two positions per channel, got ", x.value());
    if (sync_across) {
      const Normalised batch = across_ranks(x, gamma, beta, double(all_rows), o);
      update_running(running_mean, running_var, batch.mean, batch.rstd, all_rows, o);
      return batch.y;
    }
    const GroupNormResult batch = group_norm_view(x, gamma, beta, {op, 1, rows, channels, channels, o.eps});
    update_running(running_mean, running_var, batch.mean, batch.rstd, rows, o);
    return batch.y;
  }
  const Var scale = cast(gamma, statistics) * rsqrt(Var(running_var.clone()) + o.eps);
  const Var shift = cast(beta, statistics) - running_mean.clone() * scale;
  return x * cast(scale, x.dtype()) + cast(shift, x.dtype());
}

}  // namespace kintsugi
