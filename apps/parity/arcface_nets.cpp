// arcface/{iresnet18,iresnet50,resnet_arcface_gray}: whole identity networks in eval mode; L = sum(normalised embedding * w).
#include "apps/parity/formula.h"
#include "apps/parity/network.h"
#include "apps/parity/part_run.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "models/backbones/arcface.h"
#include "nn/evaluating.h"

namespace kintsugi::parity {
namespace {

// Slopes have a range of their own in these files.
void fill(ParameterStore& store, const std::string& salt, const std::string& prefix) {
  fill_by_formula(store, salt, prefix);
  for (const ParameterStore::Entry& e : store.entries())
    if (e.name.ends_with("prelu.weight")) {
      Tensor slope = e.value();
      slope.copy_(formula(salt, prefix + e.name, slope.shape(), 0.25, 0.1));
    }
}

void run_case(PartRun& r, const std::string& name, const ArcFaceArgs& args) {
  ParameterStore store({.dtype = r.dtype(), .initialise = false, .device = run_device(r.dtype())});
  const ArcFace net(store.root(), args);
  fill(store, r.golden().salt(), "arcface/" + name + "/");
  const Evaluating evaluating(store);
  const Var x = r.leaf("in.x", nchw), embedding = net(x);
  r.values("out.embedding", embedding);
  const Var normalised = embedding / sqrt(sum(square(embedding), {-1}, true));
  r.values("out.embedding_normalised", normalised);
  r.gradients(sum(normalised * r.constant("in.w")), {{"grad.x", x, nchw}});
}

ParityRegistration network(const std::string& name, double f32_against_f64, const ArcFaceArgs& args) {
  return ParityRegistration(
      large_network_part_kind("arcface/" + name, f32_against_f64, [=](PartRun& r) { run_case(r, name, args); }));
}

const ParityRegistration registrations[] = {
    network("iresnet18", 7.4e-7, {.blocks = {2, 2, 2, 2}}),
    network("iresnet50", 9.4e-7, {}),
    network("resnet_arcface_gray", 9.2e-7, {.family = ArcFaceArgs::Family::grey, .blocks = {2, 2, 2, 2}}),
};

}  // namespace
}  // namespace kintsugi::parity
