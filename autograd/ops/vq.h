// Vector quantisation (van den Oord et al., "Neural discrete representation learning", 2017). Tokens are the last axis:
// z [..., D], codebook [K, D]. Distances and ties: kernels/vq.h.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

struct Nearest {
  Tensor indices;        // [...] i64; under a Replay those of the base run
  Tensor min_distance;   // [...]
  Tensor mean_distance;  // a scalar, over all pairs of token and code
};
/// The nearest code of every token; no gradient. Throws Error when a shape or dtype does not fit or nothing is given.
Nearest nearest_code(const Tensor& z, const Tensor& codebook);

/// The value z + (z_q - z), which is z_q up to rounding; the whole gradient goes to z.
Var straight_through(const Var& z, const Var& z_q);

/// exp(-sum_k p_k log(p_k + 1e-10)), p = share of each code: how many codes are in use.
double perplexity(const Tensor& indices, int64_t codes);

/// Which of the two terms beta multiplies. The paper puts it on the commitment of z; the released face-restoration code on the
/// codebook's move towards z.
enum class BetaOn : uint8_t { codebook, commitment };

struct Quantized {
  Var z_q;   // straight through: the codebook gets no gradient from here
  Var loss;  // a mean((sg[z_q] - z)^2) + b mean((z_q - sg[z])^2), with (a, b) = (1, beta) or (beta, 1)
  Tensor indices;
  int64_t codes;  // of the codebook
  Tensor mean_distance;  // a scalar
  double perplexity() const { return kintsugi::perplexity(indices, codes); }
};
/// Quantises z. Throws as nearest_code does.
Quantized vector_quantize(const Var& z, const Var& codebook, double beta, BetaOn beta_on = BetaOn::codebook);

}  // namespace kintsugi
