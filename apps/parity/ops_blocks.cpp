// ops_blocks: attention, transformer layer and the blocks of the VQGAN and of CodeFormer, with stored parameters.
#include <cmath>
#include <map>

#include "apps/parity/op_run.h"
#include "autograd/ops/attention.h"
#include "autograd/ops/matmul.h"
#include "models/codeformer/codeformer.h"

namespace kintsugi::parity {
namespace {

/// Image to image by a block built from the store's root.
template <class Build>
OpAdapter block(Build build) {
  return [build](OpRun& r) {
    ParameterStore store({.dtype = r.dtype(), .initialise = false, .device = run_device(r.dtype())});
    const auto module = build(store.root());
    r.parameters(store);
    r.output("out", module(r.input("x", nchw)), nchw);
  };
}

OpAdapter attention_layer(int width, int heads) {
  return [=](OpRun& r) {
    ParameterStore store({.dtype = r.dtype(), .initialise = false, .device = run_device(r.dtype())});
    const MultiheadAttention mha(store.root(), width, heads);
    r.parameters(store);
    if (r.has("q")) {
      r.output("out", mha(r.input("q", tnc), r.input("k", tnc), r.input("v", tnc)), tnc);
      return;
    }
    const Var x = r.input("x", tnc);
    r.output("out", mha(x, x, x), tnc);
    const auto projected = [&](int part) {
      return linear(x.value(), mha.in_proj_weight.value().rows(part * width, (part + 1) * width),
                    mha.in_proj_bias.value().rows(part * width, (part + 1) * width));
    };
    const double scale = 1 / std::sqrt(double(width / heads));
    r.output("attn_mean_over_heads", attention_map(projected(0).value(), projected(1).value(), heads, scale));
  };
}

void transformer_case(OpRun& r) {
  ParameterStore store({.dtype = r.dtype(), .initialise = false, .device = run_device(r.dtype())});
  const TransformerSALayer layer(store.root(), 32, 4, 48);
  r.parameters(store);
  r.output("out", layer(r.input("x", tnc), r.input("pos", tnc)), tnc);
}

void fuse_case(OpRun& r) {
  ParameterStore store({.dtype = r.dtype(), .initialise = false, .device = run_device(r.dtype())});
  const FuseSftBlock fuse(store.root(), 32, 32);
  r.parameters(store);
  r.output("out", fuse(r.input("enc", nchw), r.input("dec", nchw), 0.7), nchw);
}

OpAdapter choose(const std::string& name, const Json&) {
  static const std::map<std::string, OpAdapter> adapters{
      {"mha", attention_layer(24, 4)},
      {"mha_self_weights", attention_layer(8, 2)},
      {"transformer_layer", transformer_case},
      {"attn_block", block([](Scope s) { return AttnBlock(s, 32); })},
      {"res_block_same", block([](Scope s) { return ResBlock(s, 32, 32); })},
      {"res_block_proj", block([](Scope s) { return ResBlock(s, 32, 64); })},
      {"downsample", block([](Scope s) { return Downsample(s, 6); })},
      {"upsample", block([](Scope s) { return Upsample(s, 6); })},
      {"fuse_sft", fuse_case},
  };
  const auto found = adapters.find(name);
  return found == adapters.end() ? OpAdapter{} : found->second;
}

const ParityRegistration registration(op_kind("ops_blocks", choose));

}  // namespace
}  // namespace kintsugi::parity
