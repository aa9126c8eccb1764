// ops_vq: the nearest-code quantiser, code look-up and the training path of the Gumbel quantiser.
#include "apps/parity/op_run.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/unary.h"
#include "autograd/ops/vq.h"

namespace kintsugi::parity {
namespace {

void nearest_case(OpRun& r) {
  const Quantized q = vector_quantize(r.input("z", nchw), r.input("codebook"), r.options().at("beta").get<double>());
  r.output("z_q", q.z_q, nchw);
  r.output("loss", q.loss);
  r.indices("indices", q.indices);
  r.output("perplexity", Tensor::scalar(q.perplexity, DType::f64));
  r.output("mean_distance", Tensor::scalar(q.mean_distance, DType::f64));
}

void lookup_case(OpRun& r) {
  const Tensor indices = r.constant("idx");
  const Shape& stored = r.shape("feat");
  const Var rows = embedding(r.input("codebook"), indices);
  r.output("feat", reshape(rows, {stored[0], stored[2], stored[3], stored[1]}), nchw);
}

/// p = softmax(logits + noise) at temperature 1, z_q = p embed; diff = kl_weight * mean over positions of sum_k q log(q K + 1e-10),
/// q = softmax(logits). (Jang et al., "Categorical reparameterization with Gumbel-softmax", 2017.)
void gumbel_case(OpRun& r) {
  const Var logits = conv2d(r.input("z", nchw), r.input("proj_w", nchw), r.input("proj_b"));
  const Var soft = softmax(logits + r.constant("gumbel", nchw));
  r.output("z_q", matmul(soft, r.input("embed")), nchw);
  const Var q = softmax(logits);
  const double codes = double(logits.dim(-1));
  r.output("diff", r.options().at("kl_weight").get<double>() * mean(sum(q * log(q * codes + 1e-10), {-1})));
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
