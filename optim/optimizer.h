// Adam, AdamW and SGD over named parameters. The learning rate belongs to the caller (optim/schedule.h), so that a step is a
// function of what it is given. A parameter without a gradient is left alone, as in PyTorch.
#pragma once
#include <functional>
#include <memory>

#include "kernels/optimizer.h"
#include "optim/ema.h"

namespace kintsugi {

struct StepOptions {
  double lr;
  double grad_scale = 1;  // multiplies every gradient first: clip_factor(), or 1 / micro-batches
  Ema* ema = nullptr;     // updated too: in the same pass where the optimiser can, else behind it
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual void step(const StepOptions& options) = 0;

  const ParameterList& parameters() const { return parameters_; }
  void zero_grad() const;

  /// Everything a later step depends on besides the parameters, named "<parameter>.<what>". The tensors are the state itself:
  /// saving them and copying them back with load_state continues bit by bit.
  const NamedTensors& state() const { return state_; }
  /// Throws Error when an entry is missing or has another shape, and then changes nothing.
  void load_state(const NamedTensors& state) { copy_by_name("optimizer state", state_, state); }

 protected:
  /// Throws Error for an empty Var, a Var that is not a leaf, or a name given twice.
  Optimizer(const char* op, ParameterList parameters);
  Tensor add_state(const NamedVar& parameter, const char* what, Tensor start);

  ParameterList parameters_;

 private:
  NamedTensors state_;
};

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  // AdamW: decay acts on the weights, not through the gradient
};

/// Adam, or AdamW with `decoupled`. Equations: kernels/optimizer.h. State per parameter: exp_avg, exp_avg_sq, step.
class Adam : public Optimizer {
 public:
  explicit Adam(ParameterList parameters, AdamOptions options = {});
  void step(const StepOptions& options) override;

  // step() in three parts, with the numbers that differ from step to step in the parameters' memory: the work may be queued before they are known on
  // the CPU, and recorded once and started again with others (kernels/base/device_graph.h).

  /// [parameters, 3] f64 on the CPU: each one's AdamRates of the update that comes next.
  Tensor rates(double lr) const;
  /// Queues the update of every parameter that has a gradient, and of the average, where there is one. `rates` are those of above, on the parameters'
  /// device, `verdict` a StepVerdict [3] f64: where that is not finite nothing changes. Returns whose turn it was.
  std::vector<size_t> queue(const Tensor& rates, const Tensor& verdict, const Ema* ema) const;
  /// What was queued for them has been done: counts it.
  void count(const std::vector<size_t>& moved, const Ema* ema);

 private:
  AdamStep arguments(size_t parameter, const Ema* ema) const;
  std::vector<size_t> launch(const Ema* ema, const StepVerdict* verdict, const std::function<void(size_t, AdamStep&)>& numbers) const;
  struct Moments {
    Tensor mean, square, step;  // step: an i64 scalar on the CPU, updates made so far
  };
  AdamOptions options_;
  std::vector<Moments> moments_;
};

struct SgdOptions {
  double momentum = 0, weight_decay = 0;
};

/// State per parameter: momentum_buffer, when momentum is not 0.
class Sgd : public Optimizer {
 public:
  explicit Sgd(ParameterList parameters, SgdOptions options = {});
  void step(const StepOptions& options) override;

 private:
  SgdOptions options_;
  std::vector<Tensor> buffers_;
};

/// to[i] = sum of squares of parameter i's gradient, 0 where there is none; to [parameters] f64, on the gradients' device. Throws Error when one is on another.
void grad_squares(const ParameterList& parameters, const Tensor& to);
/// Euclidean norm over all gradients of the list, in f64; the same bits for any number of threads.
/// Throws Error when gradients are on different devices.
double global_grad_norm(const ParameterList& parameters);
/// What torch.nn.utils.clip_grad_norm_ multiplies gradients by: min(1, max_norm / (norm + 1e-6)). Give it to a step as grad_scale.
double clip_factor(double norm, double max_norm);

}  // namespace kintsugi
