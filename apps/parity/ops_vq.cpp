// ops_vq: the nearest-code quantiser, code look-up and the training path of the Gumbel quantiser.
#include "apps/parity/op_run.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/gumbel.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/vq.h"

namespace kintsugi::parity {
namespace {

void nearest_case(OpRun& r) {
  const Quantized q = vector_quantize(r.input("z", nchw), r.input("codebook"), r.options().at("beta").get<double>());
  r.output("z_q", q.z_q, nchw);
  r.output("loss", q.loss);
  r.indices("indices", q.indices);
  r.output("perplexity", Tensor::scalar(q.perplexity(), DType::f64));
  r.output("mean_distance", Tensor::scalar(q.mean_distance.item(), DType::f64));
}

void lookup_case(OpRun& r) {
  const Tensor indices = r.constant("idx");
  const Shape& stored = r.shape("feat");
  const Var rows = embedding(r.input("codebook"), indices);
  r.output("feat", reshape(rows, {stored[0], stored[2], stored[3], stored[1]}), nchw);
}

void gumbel_case(OpRun& r) {
  const Var logits = conv2d(r.input("z", nchw), r.input("proj_w", nchw), r.input("proj_b"));
  const GumbelQuantized q =
      gumbel_quantize(logits, r.input("embed"), r.constant("gumbel", nchw), {.kl_weight = r.options().at("kl_weight").get<double>()});
  r.output("z_q", q.z_q, nchw);
  r.output("diff", q.loss);
}

OpAdapter choose(const std::string&, const Json& options) {
  const std::string op = options.value("op", "");
  if (op == "official VectorQuantizer") return nearest_case;
  if (op.rfind("codebook lookup", 0) == 0) return lookup_case;
  if (op.rfind("GumbelQuantizer training path", 0) == 0) return gumbel_case;
  return {};
}

const ParityRegistration registration(op_kind("ops_vq", choose));

}  // namespace
}  // namespace kintsugi::parity
