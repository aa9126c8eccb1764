// Group normalisation and what is group normalisation over another view of x. Equations: kernels/group_norm.h.
#pragma once
#include "autograd/var.h"
#include "kernels/base/act.h"

namespace kintsugi {

/// x [N, ..., C] with at least two axes; gamma, beta [C] of x's dtype. y = act(xhat * gamma + beta), statistics over the axes between
/// N and C and the C / groups channels of a group. Differentiable twice (through the composed form). Inference takes moments that were left with x
/// (autograd/ops/group_moments.h).
/// Throws Error when groups does not divide C or a shape or dtype does not fit.
Var group_norm(Var x, const Var& gamma, const Var& beta, int groups, double eps, Act act = Act::none);

/// Group normalisation with one channel per group (Ulyanov et al. 2016). gamma and beta are both given or both empty.
Var instance_norm(const Var& x, const Var& gamma, const Var& beta, double eps);

/// How an op sees x: as [n, positions, channels] with `groups` groups of channels.
struct GroupNormView {
  const char* op;
  int64_t n, positions, channels, groups;
  double eps;
  Act act = Act::none;
};
struct GroupNormResult {
  Var y;              // shaped like x
  Tensor mean, rstd;  // [n, groups]
};
/// The op behind group, instance and batch normalisation. An x handed over may be overwritten by y (autograd/reuse.h). gamma and beta may both be empty.
GroupNormResult group_norm_view(Var x, const Var& gamma, const Var& beta, const GroupNormView& view);
/// The same from elementary ops; `inputs` is {x} or {x, gamma, beta}.
Var group_norm_composed(const Vars& inputs, const GroupNormView& view);
/// Throws unless v is [channels] of x's dtype.
void check_channel_vector(const char* op, const char* argument, const Var& v, int64_t channels, const Var& x);

}  // namespace kintsugi
