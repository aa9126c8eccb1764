// Layers: plain structs built from a Scope, which registers their parameters under PyTorch's names. Calling one applies it, under
// its path as LayerScope, so that a watch for NaNs can say where.
#pragma once
#include "autograd/ops/conv2d.h"
#include "kernels/base/act.h"
#include "nn/scope.h"

namespace kintsugi {

/// y = conv(x) (+ bias) (+ residual). x [N,H,W,in], weight [out, kernel, kernel, in / groups]. Default start: Kaiming-uniform for both.
/// What is handed over may be overwritten (conv2d in autograd/ops/conv2d.h).
struct Conv2d {
  Var weight, bias;
  Conv2dOptions options;
  std::string path;
  Conv2d(Scope s, int64_t in, int64_t out, int64_t kernel, Conv2dOptions options = {}, bool with_bias = true);
  Var operator()(Var x, Var residual = {}) const;
};

/// y = x W^T (+ b). x [..., in], weight [out, in]. Default start: Kaiming-uniform for both.
struct Linear {
  Var weight, bias;
  std::string path;
  Linear(Scope s, int64_t in, int64_t out, bool with_bias = true);
  /// With a bias that starts somewhere else.
  Linear(Scope s, int64_t in, int64_t out, Init bias_init);
  Var operator()(const Var& x) const;
};

/// Normalises groups of channels per sample, then act. x [N,H,W,C]; `groups` divides C.
/// (Wu and He, "Group normalization", ECCV 2018.) The VQGAN family has 32 groups and eps 1e-6.
struct GroupNorm {
  Var weight, bias;
  int groups;
  double eps;
  Act act;
  std::string path;
  GroupNorm(Scope s, int64_t channels, Act act = Act::none, int groups = 32, double eps = 1e-6);
  /// An x handed over may be overwritten by the result (autograd/reuse.h).
  Var operator()(Var x) const;
};

/// conv(norm(x)) + residual; where no graph is recorded, without the map between them (norm_conv2d in autograd/ops/conv2d.h).
Var norm_conv(const GroupNorm& norm, const Conv2d& conv, Var x, Var residual = {});

/// Normalises the last axis. (Ba, Kiros, Hinton, "Layer normalization", 2016.)
struct LayerNorm {
  Var weight, bias;
  double eps;
  std::string path;
  LayerNorm(Scope s, int64_t channels, double eps = 1e-5);
  Var operator()(const Var& x) const;
};

/// Normalises channels over the batch: with the batch's own statistics while the store trains (they also move the running ones),
/// with the running ones otherwise. (Ioffe and Szegedy, "Batch normalization", ICML 2015.)
struct BatchNorm2d {
  Var weight, bias;
  Tensor running_mean, running_var, num_batches_tracked;  // the last an i64 scalar
  double momentum, eps;
  std::shared_ptr<Mode> mode;
  std::string path;
  BatchNorm2d(Scope s, int64_t channels, double momentum = 0.1, double eps = 1e-5);
  Var operator()(const Var& x) const;
};

/// Rows of a table. weight [count, width].
struct Embedding {
  Var weight;
  std::string path;
  Embedding(Scope s, int64_t count, int64_t width, Init init = Init::normal(0, 1));
  /// index: i64 of any shape; result index.shape + [width].
  Var operator()(const Tensor& index) const;
};

/// Scaled dot-product attention with `heads` heads over tokens [N,T,width]; in_proj_weight stacks the projections of q, k and v.
/// (Vaswani et al., "Attention is all you need", NeurIPS 2017.) Start: in_proj Xavier-uniform, biases 0.
struct MultiheadAttention {
  Var in_proj_weight, in_proj_bias;  // [3 width, width], [3 width]
  Linear out_proj;
  int64_t width;
  int heads;
  std::string path;
  MultiheadAttention(Scope s, int64_t width, int heads);
  Var operator()(const Var& q, const Var& k, const Var& v) const;
};

}  // namespace kintsugi
