#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "autograd/engine.h"
#include "autograd/rehearsal.h"
#include "autograd/replay.h"
#include "tensor/random.h"

namespace kintsugi {
namespace {

double dot(const Tensor& a, const Tensor& b) {
  double s = 0;
  const double *x = a.data<double>(), *y = b.data<double>();
  for (int64_t i = 0, n = a.numel(); i < n; ++i) s += x[i] * y[i];
  return s;
}

double rms(const Tensor& t) { return t.numel() ? std::sqrt(dot(t, t) / double(t.numel())) : 0; }

void check_inputs(const ParameterList& inputs) {
  for (const NamedVar& in : inputs)
    KIN_CHECK(in.var && in.var.is_leaf() && in.var.needs_grad() && in.var.dtype() == DType::f64, "gradcheck: ", in.name,
              " must be an f64 leaf that needs a gradient");
}

Vars vars_of(const ParameterList& inputs) {
  Vars v;
  for (const NamedVar& in : inputs) v.push_back(in.var);
  return v;
}

// base + t * v, in place.
void move_along(const Tensor& x, const Tensor& base, const Tensor& v, double t) {
  double* p = x.data<double>();
  const double *b = base.data<double>(), *d = v.data<double>();
  for (int64_t i = 0, n = x.numel(); i < n; ++i) p[i] = b[i] + t * d[i];
  x.bump_version();
}

// `value` gives a number for the current inputs, `gradients` the analytic derivatives at the base point.
std::vector<GradcheckRow> compare(const std::function<double()>& value, const std::vector<Tensor>& gradients, double magnitude, Replay& replay,
                                  const ParameterList& inputs, const GradcheckOptions& o) {
  std::vector<std::vector<GradcheckRow>> found(inputs.size());
  double largest = 0, hidden = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor x = inputs[i].var.value();
    const Tensor base = x.clone();
    const double h = o.step * std::max(rms(base), 1e-2);
    for (int d = 0; d < o.directions; ++d) {
      const Tensor v = random_normal(x.shape(), 0, 1, o.seed, "gradcheck/" + inputs[i].name, uint64_t(d), DType::f64);
      auto at = [&](double t) {
        move_along(x, base, v, t);
        replay.rewind();
        return value();
      };
      const double f1 = at(h) - at(-h), f2 = at(2 * h) - at(-2 * h);
      const double numeric = (8 * f1 - f2) / (12 * h);
      const double analytic = gradients[i] ? dot(gradients[i], v) : 0;
      found[i].push_back({inputs[i].name, analytic, numeric, std::fabs(analytic - numeric)});
      largest = std::max({largest, std::fabs(analytic), std::fabs(numeric)});
      hidden = std::max(hidden, magnitude * 1e-16 / h);
    }
    x.copy_(base);
  }
  // A difference cannot resolve derivatives below hidden/1e-6 to six digits.
  const double scale = std::max({1e-3 * largest, hidden * 1e6, std::numeric_limits<double>::min()});
  std::vector<GradcheckRow> rows;
  for (auto& candidates : found) {
    for (auto& r : candidates) {
      r.error /= std::max({std::fabs(r.analytic), std::fabs(r.numeric), scale});
      if (!std::isfinite(r.error)) r.error = std::numeric_limits<double>::infinity();
    }
    rows.push_back(*std::max_element(candidates.begin(), candidates.end(), [](auto& a, auto& b) { return a.error < b.error; }));
  }
  return rows;
}

Tensor weights_for(const Tensor& y, const GradcheckOptions& o) { return random_normal(y.shape(), 0, 1, o.seed, "gradcheck/output", 0, DType::f64); }

// Sum of |w * y|: what the rounding of the projected value is relative to.
double absolute_dot(const Tensor& a, const Tensor& b) {
  double s = 0;
  for (int64_t i = 0; i < a.numel(); ++i) s += std::fabs(a.item(i) * b.item(i));
  return s;
}

void check_repeatable(const std::function<Var()>& f, const Tensor& first, Replay& replay) {
  replay.rewind();
  const NoGrad off;
  const Rehearsal as_recorded;
  const Tensor second = f().value();
  KIN_CHECK(second.shape() == first.shape() && std::memcmp(second.raw(), first.raw(), first.bytes()) == 0,
            "gradcheck: the function gave different results for the same inputs; differences of it mean nothing");
}

}  // namespace

std::vector<GradcheckRow> gradcheck(const std::function<Var()>& f, const ParameterList& inputs, GradcheckOptions o) {
  check_inputs(inputs);
  Replay replay;
  std::vector<Tensor> gradients;
  Tensor w;
  double magnitude = 0;
  {
    const Var y = f();
    w = weights_for(y.value(), o);
    magnitude = absolute_dot(w, y.value());
    for (const Var& g : grad(y, vars_of(inputs), Var(w))) gradients.push_back(g ? g.value().clone() : Tensor());
    check_repeatable(f, y.value(), replay);
  }
  return compare(
      [&] {
        const NoGrad off;
        const Rehearsal as_recorded;
        return dot(w, f().value());
      },
      gradients, magnitude, replay, inputs, o);
}

std::vector<GradcheckRow> gradgradcheck(const std::function<Var()>& f, const ParameterList& inputs, GradcheckOptions o) {
  check_inputs(inputs);
  Replay replay;
  const Vars vars = vars_of(inputs);
  std::vector<Tensor> u;
  for (const NamedVar& in : inputs) u.push_back(random_normal(in.var.shape(), 0, 1, o.seed, "gradgradcheck/" + in.name, 0, DType::f64));
  Tensor w;
  auto first = [&] {  // always with create_graph: every run must make the same decisions in the same order
    const Var y = f();
    if (!w) w = weights_for(y.value(), o);
    return grad(y, vars, Var(w), {.create_graph = true});
  };
  std::vector<Tensor> gradients(inputs.size());
  double magnitude = 0;
  {
    Vars roots, seeds;
    const Vars g = first();
    for (size_t i = 0; i < g.size(); ++i) {
      if (!g[i]) continue;
      magnitude += absolute_dot(u[i], g[i].value());
      if (!g[i].needs_grad()) continue;
      roots.push_back(g[i]);
      seeds.push_back(Var(u[i]));
    }
    const Vars second = grad(roots, vars, seeds);
    for (size_t i = 0; i < second.size(); ++i)
      if (second[i]) gradients[i] = second[i].value().clone();
  }
  return compare(
      [&] {
        double s = 0;
        const Vars g = first();
        for (size_t i = 0; i < g.size(); ++i)
          if (g[i]) s += dot(u[i], g[i].value());
        return s;
      },
      gradients, magnitude, replay, inputs, o);
}

double worst_error(const std::vector<GradcheckRow>& rows) {
  double worst = 0;
  for (const auto& r : rows) worst = std::isnan(r.error) ? std::numeric_limits<double>::infinity() : std::max(worst, r.error);
  return worst;
}

}  // namespace kintsugi
