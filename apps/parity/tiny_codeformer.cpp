// tiny_codeformer: the whole of CodeFormer at a small size, three ways of calling it.
// losses = [mean(out * probe), 0.5 CE, mean((codebook[target] - lq_feat)^2), their sum]
#include "apps/parity/formula.h"
#include "apps/parity/network.h"
#include "apps/parity/tiny_nets.h"
#include "autograd/engine.h"
#include "autograd/ops/ada_in.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cross_entropy.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"

namespace kintsugi::parity {
namespace {

const std::string kPrefix = "tiny_cf/";

/// The forward pass again, block by block, against the stored features (of the first sample; tokens of all).
void check_features(const GoldenFile& golden, Check& check, const std::string& start, const CodeFormer& net, const Tensor& x,
                    const CodeFormerCall& call, const CodeFormerOutput& out) {
  const NoGrad no_grad;
  const auto seen = [&](const std::string& name, const Var& y, const Order& order) {
    const std::string tensor = start + name;
    if (!golden.has(tensor)) return;
    const Tensor want = golden.read(tensor);
    check.values(tensor, order == nchw ? y.value().rows(0, want.dim(0)) : y.value(), want, tolerance::network, order);
  };
  std::map<int64_t, Var> tapped;
  const Var lq = net.backbone.encoder.walk(x, [&](int i, Var h) {
    seen(text("feat/encoder.blocks.", i), h, nchw);
    for (const auto& [resolution, block] : net.args.taps)
      if (block == i) tapped[resolution] = h;
    return h;
  });
  Var t = net.feat_emb(reshape(lq, {lq.dim(0), net.args.latent_size, lq.dim(3)}));
  for (size_t i = 0; i < net.ft_layers.size(); ++i) {
    t = net.ft_layers[i](t, net.position_emb);
    seen(text("feat/ft_layers.", i), t, tnc);
  }
  Var codes = reshape(net.backbone.quantize.codes(out.indices), lq.shape());
  if (call.adain) codes = ada_in(codes, lq);
  net.backbone.generator.walk(codes, [&](int i, Var h) {
    seen(text("feat/generator.blocks.", i), h, nchw);
    for (const auto& [resolution, block] : net.fuse_convs_dict) {
      if (call.w <= 0 || net.args.sites.at(resolution) != i) continue;
      h = block(tapped.at(resolution), h, call.w);
      seen(text("feat/fuse_convs_dict.", resolution), h, nchw);
    }
    return h;
  });
}

void run(const GoldenFile& golden, Check& check, const std::string& name, const Json& options, DType dtype) {
  const std::string start = name + "/";
  ParameterStore store({.dtype = dtype, .initialise = false});
  const CodeFormer net(store.root(), kTinyCodeFormer);
  fill_by_formula(store, golden.salt(), kPrefix);
  check.values("x", formula(golden.salt(), kPrefix + "x", golden.shape("x")), golden.read("x"), 0);

  const Json& kwargs = options.at("kwargs");
  const CodeFormerCall call{.w = kwargs.at("w").get<double>(),
                            .detach_16 = kwargs.at("detach_16").get<bool>(),
                            .adain = kwargs.at("adain").get<bool>()};
  const Var x(golden.read("x", nchw).to(dtype), true);
  const CodeFormerOutput out = net(x, call);
  check.values(start + "out", out.image.value(), golden.read(start + "out"), tolerance::network, nchw);
  const auto optional = [&](const char* tensor, const Tensor& got, const Order& order) {
    if (golden.has(start + tensor)) check.values(start + tensor, got, golden.read(start + tensor), tolerance::network, order);
  };
  optional("logits", out.logits.value(), as_stored);
  optional("lq_feat", out.lq_feat.value(), nchw);
  if (golden.has(start + "indices")) check.exact(start + "indices", out.indices, golden.read(start + "indices"));
  check_features(golden, check, start, net, x.value(), call, out);

  const Tensor target = formula_classes(golden.salt(), kPrefix + "target", out.indices.shape(), kTinyBackbone.codebook_size);
  if (golden.has(start + "target")) check.exact(start + "target", target, golden.read(start + "target"));
  const Var probe = from_stored(formula(golden.salt(), kPrefix + "out#probe", golden.shape(start + "out")), nchw).to(dtype);
  const Var codes = reshape(net.backbone.quantize.codes(target), out.lq_feat.shape()).detach();
  const Var terms[] = {mean(out.image * probe), 0.5 * cross_entropy(out.logits, target), mse_loss(codes, out.lq_feat)};
  const Var loss = terms[0] + terms[1] + terms[2];
  const Tensor losses = Tensor::of<double>({4}, {terms[0].item(), terms[1].item(), terms[2].item(), loss.item()});
  check.values(start + "losses", losses, golden.read(start + "losses"), tolerance::network);

  const Gradients gradients = gradients_of(loss, store), inputs{{"x", grad(loss, {x})[0].value()}};
  const GradientTable table{start + "grad_table", strings(options.at("grad_table_names"))};
  check_stored_gradients(golden, check, start + "grad/", table, store, gradients, inputs);
  check_gradient_table(golden, check, table, store, kPrefix, gradients, inputs);
}

const ParityRegistration registration({"tiny_codeformer", [](const GoldenFile& golden) {
  std::vector<ParityCase> cases;
  const Json table = golden.metadata("cases");
  for (const auto& [name, options] : table.items())
    cases.push_back({name, network_run([&golden, name = name, options = options](Check& check, DType dtype) {
                       run(golden, check, name, options, dtype);
                     })});
  return cases;
}});

}  // namespace
}  // namespace kintsugi::parity
