// codeformer_pp/{ncc,warp,smoothness,cosine_triplet,adaptive_max_pool}: what CodeFormer++ builds its losses and its registration from.
#include "apps/parity/part_run.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cosine_triplet.h"
#include "autograd/ops/flow_smoothness.h"
#include "autograd/ops/grid_sample.h"
#include "autograd/ops/local_ncc.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/pool.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"

namespace kintsugi::parity {
namespace {

void ncc_case(PartRun& r) {
  const Var i = r.leaf("in.I", nchw), j = r.leaf("in.J", nchw);
  const Var map = local_ncc(i, j);
  r.values("out.vxm_cc_map", map, nchw);
  const auto loss = [&](const char* scalar, const char* gradient, const Var& l) {
    r.scalar(scalar, l);
    r.gradients(l, {{text("grad.", gradient, ".I"), i, nchw}, {text("grad.", gradient, ".J"), j, nchw}});
  };
  loss("vxm_loss", "vxm", -mean(map));
  loss("eq9_sum_zero_padded_noeps", "eq9", -sum(local_ncc(i, j, {.eps = 0})));
  loss("eq9_sum_valid_noeps", "eq9_valid", -sum(local_ncc(i, j, {.zero_padded = false, .eps = 0})));
  // Channels are apart here; folding them into the batch is the same mean.
  const Var j3 = r.leaf("in.J3", nchw);
  const Var folded = -mean(local_ncc(r.constant("in.I3", nchw), j3));
  r.scalar("rgb_fold_loss", folded);
  r.gradients(folded, {{"grad.rgb_fold.J3", j3, nchw}});
}

void warp_case(PartRun& r) {
  const Var src = r.leaf("in.src", nchw), flow = r.leaf("in.flow", nchw);
  const Var out = warp(src, flow);
  r.values("out", out, nchw);
  r.gradients(sum(out * r.constant("in.w", nchw)), {{"grad.src", src, nchw}, {"grad.flow", flow, nchw}});
  r.values("out.nearest", warp(src, flow, GridSampling::nearest), nchw);

  const Var velocity = r.leaf("vecint.in.vel", nchw);
  const Var displacement = integrate_velocity(velocity, 7);
  r.values("vecint.out", displacement, nchw);
  r.gradients(sum(displacement * r.constant("vecint.in.w", nchw)), {{"vecint.grad.vel", velocity, nchw}});

  // Both resizes start from the field of "half".
  for (const auto& [name, factor] : {std::pair{"half", 0.5}, {"double", 2.0}}) {
    const Var field = r.leaf("half.in", nchw);
    const Var resized = rescale_flow(field, factor);
    r.values(text(name, ".out"), resized, nchw);
    r.gradients(sum(resized * r.constant(text(name, ".in.w"), nchw)), {{text(name, ".grad"), field, nchw}});
  }
}

void smoothness_case(PartRun& r) {
  const Var flow = r.leaf("in.flow", nchw);
  const Var l2 = flow_smoothness(flow, SmoothnessNorm::l2);
  const auto loss = [&](const std::string& name, const Var& l) {
    r.scalar(name, l);
    r.gradients(l, {{"grad." + name, flow, nchw}});
  };
  loss("vxm_l1", flow_smoothness(flow, SmoothnessNorm::l1));
  loss("vxm_l2", l2);
  loss("vxm_l2_mult2", 2.0 * l2);
  loss("eq10_sum", flow_roughness(flow));
}

void cosine_triplet_case(PartRun& r) {
  const Var positive = r.leaf("in.pos"), anchor = r.leaf("in.anchor"), negative = r.leaf("in.neg");
  const Var loss = cosine_triplet(positive, anchor, negative);
  const int64_t batch = anchor.dim(0);
  const auto flat = [&](const Var& x) { return reshape(x, {batch, x.numel() / batch}); };
  const auto cosine_with = [&](const Var& x) { return cosine_similarity(flat(x), flat(anchor), -1, 1e-12); };
  const Var near = cosine_with(positive), far = cosine_with(negative);
  r.values("out.cos_pos", near);
  r.values("out.cos_neg", far);
  r.values("out.per_sample", softplus(far - near));
  r.scalar("loss", loss);
  r.gradients(loss, {{"grad.pos", positive}, {"grad.anchor", anchor}, {"grad.neg", negative}});
}

void adaptive_max_pool_case(PartRun& r) {
  const Var x = r.leaf("in.x", nchw), w = r.constant("in.w", nchw);
  const Var out = adaptive_max_pool(x, w.dim(1), w.dim(2));
  r.values("out", out, nchw);
  r.gradients(sum(out * w), {{"grad.x", x, nchw}});
}

const ParityRegistration registrations[] = {
    ParityRegistration(part_kind("codeformer_pp/ncc", 4.8e-6, ncc_case)),
    ParityRegistration(part_kind("codeformer_pp/warp", 9.8e-7, warp_case)),
    ParityRegistration(part_kind("codeformer_pp/smoothness", 7.8e-8, smoothness_case)),
    ParityRegistration(part_kind("codeformer_pp/cosine_triplet", 2.6e-7, cosine_triplet_case)),
    ParityRegistration(part_kind("codeformer_pp/adaptive_max_pool", 0, adaptive_max_pool_case)),
};

}  // namespace
}  // namespace kintsugi::parity
