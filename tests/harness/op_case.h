// One op, one table of samples, many questions. A case is registered by a static OpCaseRegistration in tests/ops/<family>.cpp:
//
//   static const OpCaseRegistration silu_case{{
//       .op = "silu", .families = {"unary_fwd", "unary_bwd"},
//       .samples = {{"ragged", {{2, 3, 5, 7}}}, {"one", {{1}}}, {"large mean", {{4, 9}}, {.mean = 1e3}}},
//       .run = [](const Vars& x, const Sample&) { return silu(x[0]); },
//       .f32_tolerance = 2e-6, .gradgrad = true}};
//
// Questions (tests/ops/questions.cpp asks them of every case):
//   forward      every row of the families, f32, against `ref` in f64, with poisoned outputs; the default rows once more for
//                every lesser instruction set
//   grad         `ref` in f64 against finite differences; every row's f32 gradients against `ref` in f64
//   gradgrad     second derivatives in f64, where .gradgrad
//   determinism  twice and with 1, 2 and 3 threads: the same bits
//   sim          every row of the emulated GPU, as forward and grad, under three schedules of its threads that must give the same
//                bits; samples that cost too many fiber switches are skipped and listed. Once more in bf16, where the row takes it
//   errors       each error sample throws Error whose message contains every listed part
//   bounds       outputs are written completely (NaN poison) and inputs are left alone
// A kernel family that no case names fails the suite.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "autograd/var.h"

namespace kintsugi::testing {

/// How the inputs of a sample are drawn: normal(mean, std), moved away from kinks.
struct Draw {
  double mean = 0, std = 1;
  double kink = 0, kink_gap = 0;  // no element within kink_gap of kink (gap 0: no kink)
};

struct Sample {
  std::string name;
  std::vector<Shape> shapes;      // one per differentiable input
  Draw draw = {};
  std::vector<Draw> draws = {};   // per input, instead of `draw`
  std::vector<int64_t> ints = {}; // free parameters for run(): stride, groups, ...
  double f32_tolerance = 0;       // 0: the case's own
};

struct ErrorSample {
  std::string name;
  std::function<void()> run;             // must throw Error
  std::vector<std::string> parts;        // each must occur in the message
};

struct OpCase {
  std::string op;
  std::vector<std::string> families;     // kernel families this case runs; each of their rows is tried
  std::vector<Sample> samples;
  std::function<Var(const Vars&, const Sample&)> run;
  double f32_tolerance = 2e-6;           // forward: |a - b| <= tol * max|b|; state in the file where it comes from
  std::map<std::string, double> row_tolerance = {};  // "family=row" of a GPU: that row's own f32_tolerance, where its method rounds more
  double f32_grad_tolerance = 0;         // relative L2 of each gradient; 0: 10 * f32_tolerance
  double bf16_tolerance = 0x1p-8;        // forward, as f32_tolerance, of a GPU row in bf16; gradients: twice that
  double f64_grad_tolerance = 1e-7;      // finite differences
  bool differentiable = true;
  bool gradgrad = false;
  std::vector<ErrorSample> errors = {};
};

const std::vector<OpCase>& op_cases();

struct OpCaseRegistration {
  explicit OpCaseRegistration(OpCase c);
};

}  // namespace kintsugi::testing
