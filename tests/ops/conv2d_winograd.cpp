// The Winograd rows where an image has several blocks, ragged edges, or is divided by output channels; for every instruction set and
// number of threads, with a norm on the way in and moments on the way out. The op cases have the derivatives and the tolerances.
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

TEST_CASE("Winograd convolutions of several blocks, x normalised on the way in") {
  // The first is normalised beforehand, the others, of more than a million floats, on their way down strips of blocks.
  const Problem normed[] = {{"small", {2, 27, 30, 32, 27, 30, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
                            {"strips, ragged", {1, 181, 190, 32, 181, 190, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
                            {"strips, padding of many sides", {2, 90, 187, 32, 95, 189, 32, 3, 3, 1, 1, 1, 1, 5, 3, 1}}};
  for (const Problem& p : normed) {
    const ConvShape& s = p.shape;
    const Tensor x = random_normal({s.n, s.h, s.w, s.c}, 1e3, 1, 3, "x"), w = random_normal({s.o, 3, 3, s.c}, 0, 1, 3, "w");
    const Tensor gamma = random_normal({s.c}, 1, 0.3, 3, "gamma"), beta = random_normal({s.c}, 0, 1, 3, "beta");
    const int64_t groups = 4;
    Tensor moments({s.n, groups, 2}, DType::f64);
    group_moments({}, {x.raw(), moments.data<double>(), s.n, s.h * s.w, s.c, groups});
    const auto normed_run = [&](const char* row, DType dtype) {
      const KernelChoice choice("conv2d_fwd", row);
      const Tensor g = gamma.to(dtype), b = beta.to(dtype), in = x.to(dtype), weight = w.to(dtype);
      const PoisonGuard poison;
      Tensor y({s.n, s.out_h, s.out_w, s.o}, dtype);
      Conv2dFwd a{s, in.raw(), weight.raw(), nullptr, y.raw(), dtype, nullptr, Precision::fast};
      a.norm = {moments.data<double>(), g.raw(), b.raw(), groups, 1e-6, Act::silu};
      conv2d_fwd({}, a);
      return y;
    };
    const Tensor truth = normed_run("ref", DType::f64);
    for (const auto& [row, tolerance] : {std::pair{"winograd", 4e-6}, {"winograd4", 8e-6}, {"fast", 4e-6}}) {
      INFO(p.name, " / ", row);
      check_levels(truth, tolerance, [&, row = row] { return normed_run(row, DType::f32); });
    }
  }
}

// Against the moments in f64 of the very map a row made. A sum of a few hundred deviations in f32 is off by some 20 roundings of 6e-8 at
// most, and the shift lies within a few deviations of the mean.
TEST_CASE("moments of convolutions: about any mean") {
  for (const double mean : {0.0, 1e3})
    for (const Problem& p : problems) {
      const ConvShape& s = p.shape;
      const int64_t groups = 4;
      const Tensor x = random_normal({s.n, s.h, s.w, s.c}, 0, 1, 3, "x");
      const Tensor w = random_normal({s.o, 3, 3, s.c / s.groups}, 0, 1 / std::sqrt(9.0 * double(s.c / s.groups)), 3, "w"), bias = random_normal({s.o}, mean, 1, 3, "bias");
      const auto check_moments = [&](const char* row, const Tensor& y, const Tensor& moments) {
        Tensor truth(moments.shape(), DType::f64);
        const KernelChoice choice("group_moments", "ref");
        group_moments({}, {y.raw(), truth.data<double>(), y.dim(0), y.dim(1) * y.dim(2), y.dim(3), groups, y.dtype()});
        INFO(p.name, " / ", row, " about ", mean);
        for (int64_t i = 0; i < truth.numel(); i += 2) {
          const double variance = truth.item(i + 1);
          CHECK(std::fabs(moments.item(i) - truth.item(i)) < 2e-6 * std::sqrt(variance));
          CHECK(std::fabs(moments.item(i + 1) - variance) < 2e-6 * variance);
        }
      };
      for (const char* row : {"ref", "fast", "winograd", "winograd4"}) {
        const KernelChoice choice("conv2d_fwd", row);
        Tensor y({s.n, s.out_h, s.out_w, s.o}), moments({s.n, groups, 2}, DType::f64), again(moments.shape(), DType::f64);
        Conv2dFwd a{s, x.raw(), w.raw(), bias.raw(), y.raw(), DType::f32, nullptr, Precision::fast};
        a.moments = {moments.data<double>(), groups};
        conv2d_fwd({}, a);
        check_moments(row, y, moments);
        const int before = threads();
        set_threads(before == 1 ? 3 : 1);
        a.moments.moments = again.data<double>();
        conv2d_fwd({}, a);
        set_threads(before);
        CHECK(std::memcmp(moments.raw(), again.raw(), moments.bytes()) == 0);
      }
      if (s.groups > 1) continue;
      for (const char* row : {"ref", "fast", "winograd"}) {
        const KernelChoice choice("conv2d_up2_fwd", row);
        Tensor y({s.n, 2 * s.h, 2 * s.w, s.o}), moments({s.n, groups, 2}, DType::f64);
        conv2d_up2_fwd({}, {s.n, s.h, s.w, s.c, s.o, x.raw(), w.raw(), bias.raw(), y.raw(), DType::f32, {moments.data<double>(), groups}});
        check_moments(row, y, moments);
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
