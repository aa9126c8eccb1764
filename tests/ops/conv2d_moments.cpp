// Moments behind convolutions: as op cases, and those that the emulated GPU's convolutions leave, held against those in f64 of the very map that
// the row stored. A thread adds at most 43 differences in f32 per column, twelve threads' sums follow, all else is f64: some ten roundings of 6e-8
// of sums whose terms are a few deviations. The CPU's rows have the same bounds in tests/ops/conv2d_winograd.cpp.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "autograd/ops/conv2d.h"
#include "autograd/ops/group_moments.h"
#include "autograd/ops/group_norm.h"
#include "kernels/conv2d.h"
#include "kernels/conv2d_up2.h"
#include "kernels/simt/emulator.h"
#include "tensor/context.h"
#include "tensor/random.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

const Device kSim{DeviceKind::sim, 0};

// Of one convolution; up2 of the 3x3 behind an upsampling, whose shape is x's.
struct Problem {
  const char* name;
  ConvShape shape;
  int64_t groups;  // of the norm
  bool residual = false, up2 = false;
};
constexpr ConvShape same3x3(int64_t n, int64_t h, int64_t w, int64_t c, int64_t o) { return {n, h, w, c, h, w, o, 3, 3, 1, 1, 1, 1, 1, 1, 1}; }
constexpr ConvShape pointwise(int64_t n, int64_t h, int64_t w, int64_t c, int64_t o) { return {n, h, w, c, h, w, o}; }

const Problem problems[] = {
    {"several patches, ragged", same3x3(2, 13, 19, 32, 64), 32, true},
    {"columns beyond a tile", pointwise(1, 16, 16, 32, 264), 4},
    {"columns of half a tile", pointwise(2, 8, 16, 40, 88), 11, true},
    {"several images in a tile", pointwise(5, 4, 3, 32, 72), 9},
    {"images of one pixel", pointwise(3, 1, 1, 64, 64), 4},
    {"stride 2", {1, 16, 32, 32, 8, 16, 32, 3, 3, 2, 2, 1, 1, 0, 0, 1}, 8},
    {"one group", pointwise(2, 16, 8, 32, 48), 1},
    {"lines of single elements", pointwise(1, 16, 8, 30, 40), 2},
    {"up2", pointwise(2, 8, 16, 32, 40), 4, false, true},
    {"up2, ragged", pointwise(3, 5, 7, 32, 40), 20, false, true},
};

struct Result {
  Tensor y, moments;
};

struct Inputs {
  Tensor x, w, bias, residual;
  Inputs(const Problem& p, double mean, DType dtype) {
    const ConvShape& s = p.shape;
    const auto draw = [&](Shape shape, double about, double std, const char* purpose) { return random_normal(shape, about, std, 5, purpose).to(dtype).to(kSim); };
    const int64_t k = p.up2 ? 3 : s.kh;
    x = draw({s.n, s.h, s.w, s.c}, 0, 1, "x");
    w = draw({s.o, k, k, s.c}, 0, 1 / std::sqrt(double(k * k * s.c)), "w");
    bias = draw({s.o}, mean, 1, "bias");
    if (p.residual) residual = draw({s.n, s.out_h, s.out_w, s.o}, 0, 1, "residual");
  }
};

Result run(const Problem& p, const Inputs& in) {
  const ConvShape& s = p.shape;
  const PoisonGuard poison;
  const int64_t scale = p.up2 ? 2 : 1;
  const Result r{Tensor({s.n, scale * s.out_h, scale * s.out_w, s.o}, in.x.dtype(), kSim), Tensor({s.n, p.groups, 2}, DType::f64, kSim)};
  const OutputMoments moments{r.moments.raw<double>(), p.groups};
  if (p.up2)
    conv2d_up2_fwd(context_of(in.x), {s.n, s.h, s.w, s.c, s.o, in.x.raw(), in.w.raw(), in.bias.raw(), r.y.raw(), in.x.dtype(), moments});
  else
    conv2d_fwd(context_of(in.x), {.shape = s, .x = in.x.raw(), .w = in.w.raw(), .bias = in.bias.raw(), .y = r.y.raw(), .dtype = in.x.dtype(),
                                  .residual = in.residual.raw(), .moments = moments});
  return {r.y.host(), r.moments.host()};
}

bool same_bits(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

Tensor moments_in_f64(const Tensor& y, int64_t groups) {
  const Tensor v = y.to(DType::f64), moments({y.dim(0), groups, 2}, DType::f64);
  const KernelChoice choice("group_moments", "ref");
  group_moments({}, {v.raw(), moments.raw<double>(), y.dim(0), y.dim(1) * y.dim(2), y.dim(3), groups, DType::f64});
  return moments;
}

// Whether the row that was asked for by name refused.
bool refused(const std::function<void()>& f) {
  try {
    f();
    return false;
  } catch (const Error& e) {
    if (std::string(e.what()).find("takes these arguments") == std::string::npos) throw;
    return true;
  }
}

// Through the op, for every row: moments that a row cannot leave are found afterwards. ints: groups of the norm, stride, padding.
Var moments_behind(const Vars& v, const Sample& s) {
  const NoGrad off;
  const Var y = conv2d(v[0], v[1], v[2], {.stride = int(s.ints[1]), .pad = pad_all(int(s.ints[2])), .norm_groups = int(s.ints[0])});
  return Var(moments_of(y, int(s.ints[0])));
}
const Draw about_two{.mean = 2};
const OpCaseRegistration cases[] = {
    OpCaseRegistration({.op = "conv2d, moments", .families = {"conv2d_fwd"},
                        .samples = {{"3x3 ragged", {{2, 7, 6, 32}, {40, 3, 3, 32}, {40}}, {}, {{}, {}, about_two}, {4, 1, 1}},
                                    {"128 pixels", {{2, 16, 8, 32}, {48, 1, 1, 32}, {48}}, {}, {{}, {}, about_two}, {3, 1, 0}},
                                    {"stride 2", {{1, 16, 32, 16}, {16, 3, 3, 16}, {16}}, {}, {{}, {}, about_two}, {8, 2, 1}},
                                    {"odd groups", {{1, 5, 7, 6}, {9, 3, 3, 6}, {9}}, {}, {{}, {}, about_two}, {3, 1, 1}}},
                        .run = moments_behind, .row_tolerance = {{"conv2d_fwd=tf32", 0x1p-10}}, .differentiable = false}),
    OpCaseRegistration({.op = "conv2d_up2, moments", .families = {"conv2d_up2_fwd"},
                        .samples = {{"ragged", {{2, 3, 5, 32}, {40, 3, 3, 32}, {40}}, {}, {{}, {}, about_two}, {4}},
                                    {"128 pixels", {{1, 16, 8, 16}, {16, 3, 3, 16}, {16}}, {}, {{}, {}, about_two}, {4}}},
                        .run = [](const Vars& v, const Sample& s) {
                          const NoGrad off;
                          return Var(moments_of(conv2d_up2(v[0], v[1], v[2], int(s.ints[0])), int(s.ints[0])));
                        },
                        .f32_tolerance = 3e-6, .bf16_tolerance = 0x1.ap-8, .differentiable = false}),
};

}  // namespace

TEST_CASE("moments of convolutions on the emulated GPU: those of what was stored, about any mean, the same bits under every schedule") {
  struct Rung {
    const char* row;
    DType dtype;
    bool patches, up2;  // what its tiles are, and whether it knows the upsampling convolution
    int least;          // problems, each about two means
  };
  for (const auto& [row, dtype, patches, up2, least] : {Rung{"wgmma", DType::bf16, true, true, 18}, {"cluster", DType::bf16, true, false, 14},
                                                        {"mma", DType::bf16, false, true, 10}, {"pipelined", DType::f32, false, true, 10}}) {
    int taken = 0;
    for (const Problem& p : problems)
      for (const double mean : {0.0, 1e3}) {
        if (p.up2 && !up2) continue;
        INFO(std::string(p.name), " / ", std::string(row), " about ", mean);
        const KernelChoice choice(p.up2 ? "conv2d_up2_fwd" : "conv2d_fwd", row);
        const Inputs in(p, mean, dtype);
        Result first;
        if (refused([&] { first = run(p, in); })) {
          const bool lines = dtype == DType::bf16 && p.shape.c % 8 != 0, pixels = !patches && p.shape.out_h * p.shape.out_w % 128 != 0;
          CHECK((lines || pixels));
          continue;
        }
        ++taken;
        const Tensor truth = moments_in_f64(first.y, p.groups);
        for (int64_t i = 0; i < truth.numel(); i += 2) {
          const double variance = truth.item(i + 1);
          CHECK(std::fabs(first.moments.item(i) - truth.item(i)) <= 2e-6 * std::sqrt(variance));
          CHECK(std::fabs(first.moments.item(i + 1) - variance) <= 2e-6 * variance);
        }
        if (mean != 0) continue;
        for (const simt::Schedule schedule : {simt::Schedule::reverse, simt::Schedule::shuffled}) {
          const simt::ScheduleGuard order(schedule);
          const Result again = run(p, in);
          CHECK(same_bits(first.y, again.y));
          CHECK(same_bits(first.moments, again.moments));
        }
      }
    CHECK(taken >= least);
  }
}

TEST_CASE("moments of convolutions on the emulated GPU: a map is not read for what its row cannot leave") {
  const Problem odd{"odd groups", pointwise(1, 16, 8, 32, 48), 16}, line{"short lines", pointwise(1, 16, 8, 32, 42), 3};
  const KernelChoice choice("conv2d_fwd", "pipelined");
  CHECK_THROWS_WITH_AS(run(odd, Inputs(odd, 0, DType::f32)), doctest::Contains("leaves moments of groups of an even number of channels alone"), Error);
  CHECK_THROWS_WITH_AS(run(line, Inputs(line, 0, DType::f32)), doctest::Contains("leaves moments of lines in multiples of 16 bytes alone"), Error);
}

TEST_CASE("group_norm behind a convolution on the emulated GPU takes the moments that it left") {
  const Problem p{"", pointwise(2, 16, 8, 32, 48), 4};
  const NoGrad off;
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Inputs in(p, 2, dtype);
    const auto convolved = [&](int norm_groups) { return conv2d(in.x, in.w, in.bias, {.norm_groups = norm_groups}); };
    const Var gamma(Tensor::full({48}, 1, dtype).to(kSim)), beta(Tensor::zeros({48}, dtype).to(kSim));
    const auto normed = [&](const Var& x) { return group_norm(x, gamma, beta, 4, 1e-6).value().host(); };
    CHECK(!known_moments(convolved(0), 4));
    const Var y = convolved(4);
    const Tensor known = known_moments(y, 4);
    REQUIRE(known);
    CHECK(known.device() == kSim);
    CHECK(!known_moments(y, 8));
    CHECK(same_bits(moments_of(y, 4).host(), known.host()));

    // Others than the true ones show that they are what it uses.
    for (const char* row : {"strips", "naive"}) {
      const KernelChoice choice("group_norm_fwd", row);
      const Tensor truth = normed(convolved(0)), got = normed(y);
      leave_moments(y, Tensor::zeros({2, 4, 2}, DType::f64).to(kSim));
      const Tensor shifted = normed(y), plain = y.value().host();
      leave_moments(y, known);
      // Moments agree to 2e-6 of a deviation; bf16 may round the other way, by 2^-8 of an element of at most 8.
      const double tolerance = dtype == DType::f32 ? 1e-5 : 0x1p-5;
      double worst = 0;
      for (int64_t i = 0; i < truth.numel(); ++i) {
        worst = std::max(worst, std::fabs(got.item(i) - truth.item(i)));
        const double expected = plain.item(i) / std::sqrt(1e-6);
        CHECK(std::fabs(shifted.item(i) - expected) <= 0x1p-8 * std::fabs(expected) + 1e-30);
      }
      CHECK(worst <= tolerance);
    }
    y.value().bump_version();
    CHECK(!known_moments(y, 4));
  }
}
