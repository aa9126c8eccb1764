// daefr/quantizer: the quantiser of DAEFR, whose codebook is a formula tensor. L = loss + 0.1 sum(zq * w).
#include "apps/parity/formula.h"
#include "apps/parity/part_run.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/ops/vq.h"

namespace kintsugi::parity {
namespace {

constexpr double kBeta = 0.25;

void quantizer_case(PartRun& r) {
  const Shape& book = r.golden().shape("grad.embedding.weight");
  const Var codebook(formula_parameter(r.golden().salt(), "daefr/quant/embedding.weight", book).to(r.dtype()), true);
  const Var z = r.leaf("in.z", nchw);
  const Quantized q = vector_quantize(z, codebook, kBeta);
  r.values("out.zq", q.z_q, nchw);
  r.scalar("loss", q.loss);
  r.scalar("perplexity", Tensor::scalar(q.perplexity(), DType::f64));
  r.indices("out.indices", q.indices);
  const Var tokens = reshape(z, {z.numel() / book[1], book[1]});
  r.values("out.dist", sum(square(tokens), {1}, true) + sum(square(codebook), {1}) - 2.0 * matmul(tokens, codebook, false, true));
  r.gradients(q.loss + 0.1 * sum(q.z_q * r.constant("in.w", nchw)), {{"grad.z", z, nchw}, {"grad.embedding.weight", codebook}});
}

const ParityRegistration registration(part_kind("daefr/quantizer", 1.4e-7, quantizer_case));

}  // namespace
}  // namespace kintsugi::parity
