// The Winograd rows where an image has several blocks, ragged edges, or is divided by output channels; for every instruction set and
// number of threads. The op case has the derivatives and the tolerances.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/conv2d.h"
#include "kernels/conv2d_up2.h"
#include "tensor/random.h"
#include "tensor/tensor.h"

using namespace kintsugi;

namespace {

struct Problem {
  const char* name;
  ConvShape shape;
};
const Problem problems[] = {
    {"several blocks, ragged", {2, 27, 190, 32, 27, 190, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
    {"no padding", {1, 19, 22, 64, 17, 20, 32, 3, 3}},
    {"much padding, sides differ", {1, 9, 12, 32, 16, 14, 32, 3, 3, 1, 1, 1, 1, 6, 3, 1}},
    {"three groups", {1, 14, 13, 96, 14, 13, 144, 3, 3, 1, 1, 1, 1, 1, 1, 3}},
    {"few pixels, many outputs", {1, 6, 6, 48, 6, 6, 272, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
    {"channels in the same cache set", {1, 8, 9, 256, 8, 9, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
};

Tensor run(const char* row, const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& residual) {
  const KernelChoice choice("conv2d_fwd", row);
  const PoisonGuard poison;
  Tensor y({s.n, s.out_h, s.out_w, s.o}, x.dtype());
  conv2d_fwd({}, {s, x.raw(), w.raw(), bias.raw(), y.raw(), x.dtype(), residual.raw(), Precision::fast});
  return y;
}

Tensor run_up2(const char* row, const Tensor& x, const Tensor& w, const Tensor& bias) {
  const KernelChoice choice("conv2d_up2_fwd", row);
  const PoisonGuard poison;
  Tensor y({x.dim(0), 2 * x.dim(1), 2 * x.dim(2), w.dim(0)}, x.dtype());
  conv2d_up2_fwd({}, {x.dim(0), x.dim(1), x.dim(2), x.dim(3), w.dim(0), x.raw(), w.raw(), bias.raw(), y.raw(), x.dtype()});
  return y;
}

// `fast()` against `truth` at every level, and its bits with one and with three threads.
void check_levels(const Tensor& truth, double tolerance, const std::function<Tensor()>& fast) {
  const SimdLevel best = simd_level();
  const int before = threads();
  double largest = 0;
  for (double v : truth.span<double>()) largest = std::max(largest, std::fabs(v));
  for (SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512}) {
    if (level > best) continue;
    INFO(name(level));
    set_simd_level(level);
    set_threads(1);
    const Tensor y = fast();
    double worst = 0;
    for (int64_t i = 0; i < y.numel(); ++i) {
      const double e = std::fabs(y.item(i) - truth.item(i));
      worst = std::isfinite(e) ? std::max(worst, e) : INFINITY;
    }
    CHECK(worst <= tolerance * largest);
    set_threads(3);
    const Tensor again = fast();
    CHECK(std::memcmp(y.raw(), again.raw(), y.bytes()) == 0);
  }
  set_simd_level(best);
  set_threads(before);
}

}  // namespace

TEST_CASE("Winograd convolutions of several blocks") {
  for (const Problem& p : problems) {
    const ConvShape& s = p.shape;
    const Tensor x = random_normal({s.n, s.h, s.w, s.c}, 0, 1, 3, "x"), w = random_normal({s.o, 3, 3, s.c / s.groups}, 0, 1, 3, "w");
    const Tensor bias = random_normal({s.o}, 0, 1, 3, "bias"), residual = random_normal({s.n, s.out_h, s.out_w, s.o}, 0, 1, 3, "residual");
    const Tensor truth = run("ref", s, x.to(DType::f64), w.to(DType::f64), bias.to(DType::f64), residual.to(DType::f64));
    for (const auto& [row, tolerance] : {std::pair{"winograd", 2e-6}, {"winograd4", 6e-6}}) {
      INFO(p.name, " / ", row);
      check_levels(truth, tolerance, [&, row = row] { return run(row, s, x, w, bias, residual); });
    }
  }
}

TEST_CASE("upsampling Winograd convolutions of several blocks") {
  for (const Shape& shape : {Shape{2, 27, 190, 32}, {1, 8, 9, 256}, {1, 6, 6, 48}}) {
    const Tensor x = random_normal(shape, 0, 1, 3, "x"), w = random_normal({80, 3, 3, shape[3]}, 0, 1, 3, "w"), bias = random_normal({80}, 0, 1, 3, "bias");
    const Tensor truth = run_up2("ref", x.to(DType::f64), w.to(DType::f64), bias.to(DType::f64));
    INFO(x.shape());
    check_levels(truth, 3e-6, [&] { return run_up2("winograd", x, w, bias); });
  }
}
