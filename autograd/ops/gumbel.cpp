#include "autograd/ops/gumbel.h"

#include <cmath>

#include "autograd/op_scope.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/unary.h"
#include "autograd/ops/vq.h"
#include "tensor/random.h"

namespace kintsugi {
GumbelQuantized gumbel_quantize(const Var& logits, const Var& codebook, const Tensor& noise, const GumbelOptions& o) {
  const char* op = "gumbel_quantize";
  const OpScope scope(op, {{"logits", logits}, {"codebook", codebook}, {"noise", noise}});
  KIN_CHECK(logits.rank() >= 2 && logits.numel() > 0, op, ": logits must be [...,K] and not empty, got ", logits.value());
  const int64_t codes = logits.dim(-1);
  KIN_CHECK(codebook.rank() == 2 && codebook.dim(0) == codes, op, ": codebook must be [", codes, ",D], got ", codebook.value());
  KIN_CHECK(noise.shape() == logits.shape(), op, ": noise must be shaped like logits ", logits.value(), ", got ", noise);
  KIN_CHECK(o.temperature > 0, op, ": temperature must be positive, got ", o.temperature);
  const Var soft = softmax((logits + noise) / o.temperature);
  const Tensor indices = argmax(soft, -1);
  const Var ones = Tensor::full(indices.shape(), 1, logits.dtype(), indices.device());
  const Var weights = o.hard ? straight_through(soft, place(ones, indices, -1, codes)) : soft;
  const Var q = softmax(logits);
  const Var kl = mean(sum(q * log(q * double(codes) + 1e-10), {-1})) * o.kl_weight;
  return {matmul(weights, codebook), kl, indices};
}

Tensor gumbel_noise(const Shape& shape, uint64_t seed, std::string_view purpose, uint64_t step, DType dtype) {
  // Uniforms are multiples of 2^-24 from 0 on; half a step keeps both logarithms finite.
  const Tensor u = random_uniform(shape, 0, 1, seed, purpose, step, DType::f64);
  for (double& v : u.span<double>()) v = -std::log(-std::log(v + 0x1p-25));
  return u.to(dtype);
}

}  // namespace kintsugi
