#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "kernels/step_numbers_math.h"
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

AdamStep Adam::arguments(size_t i, const Ema* ema) const {
  const Var& var = parameters_[i].var;
  const Tensor& p = var.value();
  const Moments& m = moments_[i];
  const auto place = ema ? ema->place_of(var) : std::nullopt;
  AdamStep a{};
  a.p = p.raw(), a.g = var.grad().raw(), a.m = m.mean.raw(), a.v = m.square.raw(), a.n = p.numel(), a.dtype = p.dtype();
  a.ema = place ? ema->averages()[*place].second.raw() : nullptr;
  a.ema_decay = ema ? ema->decay() : 0;
  a.step = *m.step.data<int64_t>() + 1;
  a.beta1 = options_.beta1, a.beta2 = options_.beta2, a.eps = options_.eps;
  a.weight_decay = options_.weight_decay, a.decoupled = options_.decoupled;
  return a;
}

std::vector<size_t> Adam::launch(const Ema* ema, const StepVerdict* verdict, const std::function<void(size_t, AdamStep&)>& numbers) const {
  std::vector<size_t> moved;
  std::vector<bool> averaged(ema ? ema->averages().size() : 0);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Var& var = parameters_[i].var;
    if (!var.grad()) continue;
    AdamStep a = arguments(i, ema);
    a.verdict = verdict;
    numbers(i, a);
    adam_step(context_of(var.value()), a);
    moved.push_back(i);
    if (a.ema) averaged[*ema->place_of(var)] = true;
  }
  if (ema) ema->queue_except(averaged, verdict);
  return moved;
}

void Adam::step(const StepOptions& o) {
  count(launch(o.ema, nullptr, [&](size_t, AdamStep& a) { a.lr = o.lr, a.grad_scale = o.grad_scale; }), o.ema);
}

Tensor Adam::rates(double lr) const {
  static_assert(sizeof(AdamRates) == 3 * sizeof(double));
  const Tensor all({int64_t(parameters_.size()), 3}, DType::f64);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    AdamStep a = arguments(i, nullptr);
    a.lr = lr;
    const AdamRates r = adam_rates(a);
    double* to = all.data<double>() + 3 * i;
    to[0] = r.rate, to[1] = r.root, to[2] = r.shrink;
  }
  return all;
}

std::vector<size_t> Adam::queue(const Tensor& rates, const Tensor& verdict, const Ema* ema) const {
  KIN_CHECK(rates.numel() == int64_t(3 * parameters_.size()) && verdict.numel() == 3, "adam: rates must be [", parameters_.size(),
            ",3] and the verdict [3], got ", rates, " and ", verdict);
  const auto* judged = reinterpret_cast<const StepVerdict*>(verdict.raw<double>());
  const auto* first = reinterpret_cast<const AdamRates*>(rates.raw<double>());
  return launch(ema, judged, [&](size_t i, AdamStep& a) { a.rates = first + i; });
}

void Adam::count(const std::vector<size_t>& moved, const Ema* ema) {
  for (const size_t i : moved) {
    const Moments& m = moments_[i];
    ++*m.step.data<int64_t>();
    for (const Tensor* t : {&parameters_[i].var.value(), &m.mean, &m.square, &m.step}) t->bump_version();
  }
  if (ema) ema->moved();
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

void grad_squares(const ParameterList& parameters, const Tensor& to) {
  const OpName name("grad_squares");
  KIN_CHECK(to.numel() == int64_t(parameters.size()), "grad_squares: there are ", parameters.size(), " parameters, got room for ", to);
  Tensor(to).fill_(0);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& g = parameters[i].var.grad();
    if (!g) continue;
    KIN_CHECK(g.device() == to.device(), "grad_squares: gradients must be on one device, got ", to, " and ", g);
    sum_squares(context_of(g), {g.raw(), to.raw<double>() + i, g.numel(), g.dtype()});
  }
}

double global_grad_norm(const ParameterList& parameters) {
  const auto first = std::find_if(parameters.begin(), parameters.end(), [](const NamedVar& p) { return bool(p.var.grad()); });
  if (first == parameters.end()) return 0;
  const Tensor squares({int64_t(parameters.size())}, DType::f64, first->var.grad().device());
  grad_squares(parameters, squares);
  const Tensor here = squares.host();
  return std::sqrt(std::accumulate(here.span<double>().begin(), here.span<double>().end(), 0.0));
}

double clip_factor(double norm, double max_norm) {
  KIN_CHECK(max_norm > 0, "clip_factor: max_norm must be positive, got ", max_norm);
  return clipping(norm, max_norm);
}

}  // namespace kintsugi
