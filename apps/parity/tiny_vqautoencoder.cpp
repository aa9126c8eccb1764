// tiny_vqautoencoder: forward features and every gradient of a small VQAutoEncoder; loss mean(out * probe) + codebook loss.
#include "apps/parity/formula.h"
#include "apps/parity/network.h"
#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "models/vqgan/vqgan.h"

namespace kintsugi::parity {
namespace {

const std::string kPrefix = "tiny_vqae/";
const VqganArgs kArgs{.img_size = 32, .nf = 32, .ch_mult = {1, 2}, .res_blocks = 1, .codebook_size = 32, .emb_dim = 16};

/// Features of the first sample behind each block.
Var features(const GoldenFile& golden, Check& check, const std::string& list, const BlockList& blocks, const Var& x) {
  return blocks.walk(x, [&](int i, Var y) {
    const std::string tensor = text("feat/", list, ".blocks.", i);
    if (golden.has(tensor)) check.values(tensor, y.value().rows(0, 1), golden.read(tensor), tolerance::network, nchw);
    return y;
  });
}

void run(const GoldenFile& golden, Check& check, DType dtype) {
  ParameterStore store({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const VQAutoEncoder net(store.root(), kArgs);
  fill_by_formula(store, golden.salt(), kPrefix);
  check.values("x", formula(golden.salt(), kPrefix + "x", golden.shape("x")), golden.read("x"), 0);

  const Var x(placed(golden.read("x", nchw), dtype), true);
  const Quantized q = net.quantize(features(golden, check, "encoder", net.encoder, x));
  const Var out = features(golden, check, "generator", net.generator, q.z_q);
  check.values("out", out.value(), golden.read("out"), tolerance::network, nchw);
  check.exact("indices", q.indices, golden.read("indices"));
  check.number("codebook_loss", q.loss.item(), golden.number("codebook_loss"), tolerance::network);
  check.number("perplexity", q.perplexity(), golden.number("perplexity"), tolerance::network);
  check.number("mean_distance", q.mean_distance.item(), golden.number("mean_distance"), tolerance::network);

  const Var loss = probed_mean(golden.salt(), kPrefix + "out", out) + q.loss;
  check.number("loss", loss.item(), golden.number("loss"), tolerance::network);
  const Gradients gradients = gradients_of(loss, store), inputs{{"x", grad(loss, {x})[0].value()}};
  const GradientTable table{"grad_table", strings(golden.metadata("grad_table_names"))};
  check_stored_gradients(golden, check, "grad/", table, store, gradients, inputs);
  check_gradient_table(golden, check, table, store, kPrefix, gradients, inputs);
}

const ParityRegistration registration(single_case("tiny_vqautoencoder", [](const GoldenFile& golden, Check& check) {
  network_run([&](Check& c, DType dtype) { run(golden, c, dtype); })(check);
}));

}  // namespace
}  // namespace kintsugi::parity
