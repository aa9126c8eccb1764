#pragma once
#include "autograd/ops/vq.h"
#include "nn/layers.h"

namespace kintsugi {

/// Nearest-code quantiser with its codebook `embedding.weight` [K, D], started U(-1/K, 1/K). Equations: autograd/ops/vq.h.
struct VectorQuantizer {
  Embedding embedding;
  double beta;
  BetaOn beta_on;
  VectorQuantizer(Scope s, int64_t codes, int64_t width, double beta = 0.25, BetaOn beta_on = BetaOn::codebook)
      : embedding(s / "embedding", codes, width, Init::uniform(-1.0 / double(codes), 1.0 / double(codes))),
        beta(beta),
        beta_on(beta_on) {}

  /// z [..., D].
  Quantized operator()(const Var& z) const { return vector_quantize(z, embedding.weight, beta, beta_on); }
  /// Rows of the codebook: indices [...] to [..., D].
  Var codes(const Tensor& indices) const { return embedding(indices); }
};

}  // namespace kintsugi
