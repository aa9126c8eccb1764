#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "kernels/optimizer.h"
#include "tensor/context.h"

namespace kintsugi {
namespace {
Tensor zeros_like(const Var& v) { return Tensor::zeros(v.shape(), v.dtype(), v.value().device()); }
}  // namespace

Optimizer::Optimizer(const char* op, ParameterList parameters) : parameters_(std::move(parameters)) {
  std::unordered_set<std::string> names;
  for (const auto& p : parameters_) {
    KIN_CHECK(p.var && p.var.is_leaf(), op, ": parameter '", p.name, "' must be a leaf");
    KIN_CHECK(names.insert(p.name).second, op, ": parameter '", p.name, "' is given twice");
  }
}

void Optimizer::zero_grad() const {
  for (const auto& p : parameters_) p.var.zero_grad();
}

Tensor Optimizer::add_state(const NamedVar& parameter, const char* what, Tensor start) {
  state_.push_back({parameter.name + "." + what, std::move(start)});
  return state_.back().second;
}

Adam::Adam(ParameterList parameters, AdamOptions options) : Optimizer("adam", std::move(parameters)), options_(options) {
  KIN_CHECK(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1,
            "adam: betas must be in [0, 1), got ", options.beta1, " and ", options.beta2);
  KIN_CHECK(options.eps >= 0 && options.weight_decay >= 0, "adam: eps and weight_decay must not be negative, got ", options.eps, " and ",
            options.weight_decay);
  const OpName op("adam's state");
  for (const auto& p : parameters_)
    moments_.push_back({add_state(p, "exp_avg", zeros_like(p.var)), add_state(p, "exp_avg_sq", zeros_like(p.var)),
                        add_state(p, "step", Tensor::zeros({}, DType::i64))});
}

void Adam::step(const StepOptions& o) {
  std::vector<bool> averaged(o.ema ? o.ema->averages().size() : 0);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Var& var = parameters_[i].var;
    if (!var.grad()) continue;
    const Tensor& p = var.value();
    const Moments& m = moments_[i];
    const size_t none = averaged.size(), place = o.ema ? o.ema->place_of(var).value_or(none) : none;
    const Tensor ema = place < none ? o.ema->averages()[place].second : Tensor();
    const int64_t step = ++*m.step.data<int64_t>();
    adam_step(context_of(p), {p.raw(), var.grad().raw(), m.mean.raw(), m.square.raw(), ema.raw(), p.numel(), step, o.lr,
                                    options_.beta1, options_.beta2, options_.eps, options_.weight_decay, options_.decoupled, o.grad_scale,
                                    o.ema ? o.ema->decay() : 0, p.dtype()});
    for (const Tensor* t : {&p, &m.mean, &m.square, &m.step}) t->bump_version();
    if (place < none) {
      ema.bump_version();
      averaged[place] = true;
    }
  }
  if (o.ema) o.ema->update_except(averaged);
}

Sgd::Sgd(ParameterList parameters, SgdOptions options) : Optimizer("sgd", std::move(parameters)), options_(options) {
  KIN_CHECK(options.momentum >= 0 && options.weight_decay >= 0, "sgd: momentum and weight_decay must not be negative, got ", options.momentum,
            " and ", options.weight_decay);
  for (const auto& p : parameters_)
    buffers_.push_back(options.momentum > 0 ? add_state(p, "momentum_buffer", zeros_like(p.var)) : Tensor());
}

void Sgd::step(const StepOptions& o) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Var& var = parameters_[i].var;
    if (!var.grad()) continue;
    const Tensor& p = var.value();
    sgd_step(context_of(p), {p.raw(), var.grad().raw(), buffers_[i].raw(), p.numel(), o.lr, options_.momentum,
                                   options_.weight_decay, o.grad_scale, p.dtype()});
    p.bump_version();
    if (buffers_[i]) buffers_[i].bump_version();
  }
  if (o.ema) o.ema->update();
}

std::vector<double> grad_squares(const ParameterList& parameters) {
  const OpName name("grad_squares");
  std::vector<double> all(parameters.size(), 0.0);
  std::vector<Tensor> gradients;
  std::vector<size_t> places;
  for (size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].var.grad()) gradients.push_back(parameters[i].var.grad()), places.push_back(i);
  if (gradients.empty()) return all;
  // All sums first, then one look at them: on a device each look waits for the work queued so far.
  const Tensor squares({int64_t(gradients.size())}, DType::f64, gradients[0].device());
  for (size_t i = 0; i < gradients.size(); ++i) {
    const Tensor& g = gradients[i];
    KIN_CHECK(g.device() == squares.device(), "grad_squares: gradients must be on one device, got ", gradients[0], " and ", g);
    sum_squares(context_of(g), {g.raw(), squares.raw<double>() + i, g.numel(), g.dtype()});
  }
  const Tensor here = squares.host();
  for (size_t i = 0; i < places.size(); ++i) all[places[i]] = here.span<double>()[i];
  return all;
}

double global_grad_norm(const ParameterList& parameters) {
  double total = 0;
  for (const double s : grad_squares(parameters)) total += s;
  return std::sqrt(total);
}

double clip_factor(double norm, double max_norm) {
  KIN_CHECK(max_norm > 0, "clip_factor: max_norm must be positive, got ", max_norm);
  return std::min(1.0, max_norm / (norm + 1e-6));
}

}  // namespace kintsugi
