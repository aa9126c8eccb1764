// Reverse-mode differentiation: a heap ordered by node id. Iterative, deterministic, re-entrant.
#pragma once
#include <optional>

#include "autograd/node.h"

namespace kintsugi {

struct GradOptions {
  bool create_graph = false;  // the gradients can be differentiated again
  bool keep_graph = false;    // the graph can be walked again; implied by create_graph
  uint64_t since = 0;         // look no further back than this node id (used to re-differentiate a fused op)
};

/// Gradients of sum(seed * y) with respect to each of `wrt` (leaves or results). Visits only what lies between. An entry is
/// empty when y does not depend on it. An empty seed means ones, and then y must have one element.
/// Throws Error naming the op when the graph was released by an earlier pass.
Vars grad(const Var& y, const Vars& wrt, const Var& seed = {}, GradOptions options = {});
/// The same from several roots at once.
Vars grad(const Vars& ys, const Vars& wrt, const Vars& seeds, GradOptions options = {});

/// Adds the gradients of sum(seed * y) to grad() of every leaf that needs one.
void backward(const Var& y, const Var& seed = {}, GradOptions options = {});

/// The gradient of a composed form: runs f on `inputs` and differentiates it, for gy flowing into its result. With grad_mode() on the
/// result can be differentiated again. One Var per input.
Vars regrad(const std::function<Var(const Vars&)>& f, const Vars& inputs, const Var& gy);

/// Activation checkpointing: f(inputs) whose inside is not kept but run again in backward. `parameters` are the leaves that f uses
/// besides `inputs`. f must be a function of these alone: it runs twice. Not usable under a Replay.
Var recompute(const std::function<Var(const Vars&)>& f, const Vars& inputs, const Vars& parameters);

}  // namespace kintsugi
