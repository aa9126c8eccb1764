#include "autograd/ops/ada_in.h"

#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"

namespace kintsugi {
namespace {

struct Centred {
  Var mean, d, std;
};

Centred centre(const char* op, const char* argument, const Var& x, double eps) {
  KIN_CHECK(x.rank() >= 3, op, ": ", argument, " must be [N,...,C] with positions between, got ", x.value());
  const int64_t positions = x.shape().product(1, x.rank() - 1);
  KIN_CHECK(positions >= 2, op, ": ", argument, " must have at least two positions, got ", x.value());
  std::vector<int> axes;
  for (int i = 1; i + 1 < x.rank(); ++i) axes.push_back(i);
  // Mean and deviations do not depend on a constant shift, so the shift may be the mean as f32 holds it: what is left of a
  // large mean then costs no digits of d.
  const Var shift = mean(Var(x.value()), axes, true), near = x - shift;
  const Var rest = mean(near, axes, true), d = near - rest;
  return {shift + rest, d, sqrt(sum(square(d), axes, true) / double(positions - 1) + eps)};
}

}  // namespace

MeanStd mean_std(const Var& x, double eps) {
  const Centred c = centre("mean_std", "x", x, eps);
  return {c.mean, c.std};
}

Var ada_in(const Var& content, const Var& style, double eps) {
  KIN_CHECK(content.rank() >= 1 && content.rank() == style.rank() && content.dim(0) == style.dim(0) && content.dim(-1) == style.dim(-1),
            "ada_in: style must have the rank, N and C of content ", content.value(), ", got ", style.value());
  const Centred c = centre("ada_in", "content", content, eps), s = centre("ada_in", "style", style, eps);
  return c.d / c.std * s.std + s.mean;
}

}  // namespace kintsugi
