#include <cstdio>

#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"

using namespace kintsugi;

// d sum(x^2) / dx = 2x
int main() {
  const Var x(Tensor::of<float>({3}, {1, 2, 3}), true);
  backward(sum(x * x));
  std::printf("%g %g %g\n", x.grad().item(0), x.grad().item(1), x.grad().item(2));
}
