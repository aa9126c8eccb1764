// tiny_codeformer: the whole of CodeFormer at a small size, three ways of calling it.
// losses = [mean(out * probe), 0.5 CE, mean((codebook[target] - lq_feat)^2), their sum]
#include "apps/parity/codeformer_walk.h"
#include "apps/parity/formula.h"
#include "apps/parity/network.h"
#include "apps/parity/tiny_nets.h"
#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cross_entropy.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/shape.h"

namespace kintsugi::parity {
namespace {

const std::string kPrefix = "tiny_cf/";

void run(const GoldenFile& golden, Check& check, const std::string& name, const Json& options, DType dtype) {
  const std::string start = name + "/";
  ParameterStore store({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const CodeFormer net(store.root(), kTinyCodeFormer);
  fill_by_formula(store, golden.salt(), kPrefix);
  check.values("x", formula(golden.salt(), kPrefix + "x", golden.shape("x")), golden.read("x"), 0);

  const Json& kwargs = options.at("kwargs");
  const CodeFormerCall call{.w = kwargs.at("w").get<double>(),
                            .detach_16 = kwargs.at("detach_16").get<bool>(),
                            .adain = kwargs.at("adain").get<bool>()};
  const Var x(placed(golden.read("x", nchw), dtype), true);
  const CodeFormerOutput out = net(x, call);
  check.values(start + "out", out.image.value(), golden.read(start + "out"), tolerance::network, nchw);
  const auto optional = [&](const char* tensor, const Tensor& got, const Order& order) {
    if (golden.has(start + tensor)) check.values(start + tensor, got, golden.read(start + tensor), tolerance::network, order);
  };
  optional("logits", out.logits.value(), as_stored);
  optional("lq_feat", out.lq_feat.value(), nchw);
  if (golden.has(start + "indices")) check.exact(start + "indices", out.indices, golden.read(start + "indices"));
  walk_codeformer(net, x.value(), call, out.indices, [&](const std::string& name, const Tensor& y, const Order& order) {
    const std::string tensor = start + "feat/" + name;
    if (!golden.has(tensor)) return;
    const Tensor want = golden.read(tensor);  // images: of the first sample; tokens: of all
    check.values(tensor, order == nchw ? y.rows(0, want.dim(0)) : y, want, tolerance::network, order);
  });

  const Tensor target = formula_classes(golden.salt(), kPrefix + "target", out.indices.shape(), kTinyBackbone.codebook_size).to(run_device(dtype));
  if (golden.has(start + "target")) check.exact(start + "target", target, golden.read(start + "target"));
  const Var codes = reshape(net.backbone.quantize.codes(target), out.lq_feat.shape()).detach();
  const Var terms[] = {probed_mean(golden.salt(), kPrefix + "out", out.image), 0.5 * cross_entropy(out.logits, target), mse_loss(codes, out.lq_feat)};
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
