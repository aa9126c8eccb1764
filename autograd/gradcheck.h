// Analytic gradients against finite differences, in f64 only. Use it on your own functions: everything here is public.
//
// Every named input gets random directions v; the derivative of sum(w * f) along v (w random, fixed) is taken from backward
// and from a fourth-order central difference. Stop-gradients, code assignments and kinks are replayed (autograd/replay.h).
#pragma once
#include <functional>
#include <string>

#include "autograd/named.h"

namespace kintsugi {

struct GradcheckOptions {
  int directions = 1;    // random directions per input
  double step = 1e-3;    // of each element, relative to the input's own rms (at least 1e-2)
  uint64_t seed = 1;
};

/// One row per input: the worst direction.
struct GradcheckRow {
  std::string name;
  double analytic = 0, numeric = 0;  // derivative along the direction
  double error = 0;                  // |analytic - numeric| / max(|analytic|, |numeric|, scale), see gradcheck()
};

/// Checks d f / d inputs: f64 leaves that need gradients, whose values are changed in place and put back. f may return any shape. `scale` in a row's error is 1e-3 of the largest derivative found over all
/// rows, or what f64 rounding of f itself hides when that is more: a derivative that is zero by theory (a key bias) must come out
/// as zero on that scale. Throws Error when an input is not an f64 leaf or when two runs of f give different bits.
std::vector<GradcheckRow> gradcheck(const std::function<Var()>& f, const ParameterList& inputs, GradcheckOptions options = {});

/// The same for second derivatives: checks the gradient of g = sum_i <u_i, d(sum(w*f))/d input_i> for random u_i.
std::vector<GradcheckRow> gradgradcheck(const std::function<Var()>& f, const ParameterList& inputs, GradcheckOptions options = {});

/// The largest error of a table; 0 for an empty one, infinity when a row is not finite.
double worst_error(const std::vector<GradcheckRow>& rows);

}  // namespace kintsugi
