// Var: a Tensor that may remember how it was made. Ops on Vars are in autograd/ops/; every op ends in record(), and throws Error naming
// itself and the argument when a shape, a dtype or an option does not fit.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi {

struct Node;
struct VarState;

class Var {
 public:
  Var() = default;  // empty: "none", false in a condition
  /// A constant, or with needs_grad a leaf whose gradient backward() collects.
  Var(Tensor value, bool needs_grad = false);  // NOLINT: implicit on purpose, constants mix with Vars

  explicit operator bool() const { return state_ != nullptr; }
  const Tensor& value() const;
  const Shape& shape() const { return value().shape(); }
  int64_t dim(int i) const { return value().dim(i); }
  int rank() const { return value().rank(); }
  int64_t numel() const { return value().numel(); }
  DType dtype() const { return value().dtype(); }
  /// The only element of a scalar.
  double item() const { return value().item(); }

  /// True for leaves made with needs_grad and for results that depend on one.
  bool needs_grad() const;
  bool is_leaf() const;
  /// Freezes or unfreezes a leaf. Affects graphs recorded from now on.
  void set_needs_grad(bool needs);
  /// What backward() has added up for this leaf; an empty Tensor before the first.
  const Tensor& grad() const;
  void zero_grad() const;          // drops the gradient
  void set_value(Tensor value) const;  // of a leaf, same shape and dtype; for every Var that shares it. For loading
  void set_grad(Tensor grad) const;  // same shape; for clipping and reductions

  /// The same value cut from the graph. Under a Replay (autograd/replay.h) the recorded value, so that a function with
  /// stop-gradients can be checked by differences.
  Var detach() const;

  /// Runs once per pass (of a leaf: per backward(), not in grad()) when this Var's whole gradient is known, before it is stored or handed on; a
  /// Tensor it returns replaces the gradient, an empty one keeps it. Data-parallel reduction of parameters is such a hook.
  void on_grad(std::function<Tensor(const Tensor&)> hook) const;

  const std::shared_ptr<VarState>& state() const { return state_; }

 private:
  std::shared_ptr<VarState> state_;
};

using Vars = std::vector<Var>;

/// Grad mode of this thread: when off, record() returns plain constants.
bool grad_mode();
class GradMode {
 public:
  explicit GradMode(bool on);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool old_;
};
/// NoGrad guard; everything below runs without a graph.
struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};

}  // namespace kintsugi
