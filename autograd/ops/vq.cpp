#include "autograd/ops/vq.h"

#include <cmath>

#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "autograd/replay.h"
#include "kernels/vq.h"
#include "tensor/context.h"

namespace kintsugi {

Nearest nearest_code(const Tensor& z, const Tensor& codebook) {
  const char* op = "nearest_code";
  const OpScope scope(op, {{"z", z}, {"codebook", codebook}});
  KIN_CHECK(z.rank() >= 1 && z.numel() > 0, op, ": z must be [...,D] and not empty, got ", z);
  KIN_CHECK(codebook.rank() == 2 && codebook.dim(0) >= 1 && codebook.dim(1) == z.dim(-1) && codebook.dtype() == z.dtype(), op,
            ": codebook must be [K,", z.dim(-1), "] ", z.dtype(), " with K >= 1, got ", codebook, " (z: ", z, ")");
  const auto dims = z.shape().dims();
  const Shape tokens(dims.first(dims.size() - 1));
  const Tensor indices(tokens, DType::i64, z.device()), least(tokens, z.dtype(), z.device()), mean({}, z.dtype(), z.device());
  nearest_code_fwd(context_of(z), {z.raw(), codebook.raw(), indices.raw<int64_t>(), least.raw(), mean.raw(), tokens.numel(),
                                   codebook.dim(0), z.dim(-1), z.dtype()});
  return {replayed(indices), least, mean};
}

Var straight_through(const Var& z, const Var& z_q) {
  KIN_CHECK(z.shape() == z_q.shape(), "straight_through: z_q must have the shape of z ", z.value(), ", got ", z_q.value());
  return z + (z_q - z).detach();
}

double perplexity(const Tensor& indices, int64_t codes) {
  std::vector<double> share(size_t(codes), 0.0);
  const Tensor here = indices.host();
  for (int64_t i : here.span<int64_t>()) share[size_t(i)] += 1.0 / double(indices.numel());
  double entropy = 0;
  for (double p : share) entropy -= p * std::log(p + 1e-10);
  return std::exp(entropy);
}

Quantized vector_quantize(const Var& z, const Var& codebook, double beta, BetaOn beta_on) {
  const Nearest nearest = nearest_code(z.value(), codebook.value());
  const Var z_q = embedding(codebook, nearest.indices);
  const Var commitment = mean(square(z_q.detach() - z)), move = mean(square(z_q - z.detach()));
  const Var loss = beta_on == BetaOn::codebook ? commitment + move * beta : commitment * beta + move;
  return {straight_through(z, z_q), loss, nearest.indices, codebook.dim(0), nearest.mean_distance};
}

}  // namespace kintsugi
