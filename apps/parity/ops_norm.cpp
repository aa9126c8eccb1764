// ops_norm: normalisations, AdaIN and its statistics.
#include <cmath>
#include <map>

#include "apps/parity/op_run.h"
#include "autograd/ops/ada_in.h"
#include "autograd/ops/batch_norm.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/group_norm.h"
#include "autograd/ops/layer_norm.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"

namespace kintsugi::parity {
namespace {

double eps(const OpRun& r) { return r.options().at("eps").get<double>(); }

OpAdapter group_norm_case(Act act) {
  return [act](OpRun& r) {
    r.output("out", group_norm(r.input("x", nchw), r.input("w"), r.input("b"), r.options().at("groups").get<int>(), eps(r), act), nchw);
  };
}

void layer_norm_case(OpRun& r) { r.output("out", layer_norm(r.input("x"), r.input("w"), r.input("b"), eps(r))); }

void batch_norm_case(OpRun& r) {
  const Json& o = r.options();
  const Tensor running_mean = r.constant("running_mean"), running_var = r.constant("running_var");
  r.output("out",
           batch_norm(r.input("x", nchw), r.input("w"), r.input("b"), running_mean, running_var,
                      {o.at("training").get<bool>(), o.at("momentum").get<double>(), eps(r)}),
           nchw);
  r.output("running_mean_after", running_mean);
  r.output("running_var_after", running_var);
}

void instance_norm_case(OpRun& r) {
  r.output("out", instance_norm(r.input("x", nchw), r.optional_input("w"), r.optional_input("b"), eps(r)), nchw);
}

void ada_in_case(OpRun& r) { r.output("out", ada_in(r.input("content", nchw), r.input("style", nchw), eps(r)), nchw); }

void mean_std_case(OpRun& r) {
  const MeanStd s = mean_std(r.input("x", nchw));
  r.output("mean", s.mean, nchw);
  r.output("std", s.std, nchw);
}

/// x / max(||x||, 1e-12) over the channels.
void l2_normalize_case(OpRun& r) {
  const Var x = r.input("x", nchw);
  r.output("out", x / clamp(sqrt(sum(square(x), {-1}, true)), 1e-12, INFINITY), nchw);
}

OpAdapter choose(const std::string&, const Json& options) {
  const std::string op = options.value("op", "");
  static const std::map<std::string, OpAdapter> by_op{
      {"group_norm", group_norm_case(Act::none)},
      {"group_norm then y*sigmoid(y)", group_norm_case(Act::silu)},
      {"layer_norm over the last axis", layer_norm_case},
      {"batch_norm", batch_norm_case},
      {"instance_norm, no affine", instance_norm_case},
      {"instance_norm, affine", instance_norm_case},
      {"adaptive_instance_normalization (official)", ada_in_case},
      {"calc_mean_std (official)", mean_std_case},
      {"x / max(||x||2, 1e-12) along dim 1", l2_normalize_case},
  };
  const auto found = by_op.find(op);
  return found == by_op.end() ? OpAdapter{} : found->second;
}

const ParityRegistration registration(op_kind("ops_norm", choose));

}  // namespace
}  // namespace kintsugi::parity
