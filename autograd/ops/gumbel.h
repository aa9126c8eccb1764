#pragma once
#include <string_view>

#include "autograd/var.h"

namespace kintsugi {

struct GumbelOptions {
  double temperature = 1;
  double kl_weight = 5e-4;
  bool hard = false;  // one code per token, straight through; else the mixture
};

struct GumbelQuantized {
  Var z_q;         // [..., D]
  Var loss;        // kl_weight * mean over tokens of sum_k q_k log(q_k K + 1e-10), q = softmax(logits): q against uniform
  Tensor indices;  // [...] i64, the largest weight of each token
};

/// Gumbel-softmax quantiser (Jang, Gu and Poole, ICLR 2017): weights w = softmax((logits + noise) / temperature) over the K
/// codes, z_q = w codebook. logits and noise [..., K], codebook [K, D]; noise is -log(-log u) with u uniform in (0, 1), drawn
/// by the caller (gumbel_noise). Under a Replay the hard choice stays that of the base run. Differentiable twice.
GumbelQuantized gumbel_quantize(const Var& logits, const Var& codebook, const Tensor& noise, const GumbelOptions& options);

/// -log(-log u) for the uniform numbers of (seed, purpose, step).
Tensor gumbel_noise(const Shape& shape, uint64_t seed, std::string_view purpose, uint64_t step, DType dtype = DType::f32);

}  // namespace kintsugi
