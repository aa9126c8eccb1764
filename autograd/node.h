// The graph: how an op writes itself down, and what it may keep for its backward.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

/// Which inputs' gradients the running backward needs; the others may be returned empty. want[i] for input i.
class Wants {
 public:
  explicit Wants(uint64_t mask) : mask_(mask) {}
  bool operator[](int i) const { return (mask_ >> i) & 1; }

 private:
  uint64_t mask_;
};

/// gy has the output's shape; returns one Var per input, empty where none is wanted. Runs with grad_mode() on exactly when
/// the caller wants to differentiate the result again.
using Backward = std::function<Vars(const Var& gy, const Wants& want)>;

/// Wraps an op's result. Without grad mode, or when no input needs a gradient, the result is a plain constant and
/// `backward` is dropped. At most 64 inputs. `backward` must not capture the op's own output Var (a cycle): save its
/// value as a Tensor and recompute in Vars when grad_mode() is on.
Var record(const char* op, const Vars& inputs, Tensor out, Backward backward);

/// An input kept for backward. Reading it checks that nobody changed it in place since.
class Saved {
 public:
  Saved(const char* op, Var var) : op_(op), var_(std::move(var)), version_(var_ ? var_.value().version() : 0) {}
  const Var& var() const;                       // throws Error naming the op after an in-place change
  const Tensor& value() const { return var().value(); }

 private:
  const char* op_;
  Var var_;
  uint32_t version_;
};

/// For ops without a second derivative: called at the start of backward.
void no_double_backward(const char* op);

}  // namespace kintsugi
