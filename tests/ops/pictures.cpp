// The kernels of the degradations. Nothing is differentiated, so a case runs its family on plain tensors.
#include "kernels/picture_blur.h"
#include "kernels/picture_levels.h"
#include "kernels/picture_noise.h"
#include "tensor/context.h"
#include "tensor/kernel_array.h"
#include "tensor/random.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

/// ints: kh, kw. Each picture's kernel is positive and sums to one, as blurs do.
Var blur(const Vars& x, const Sample& s) {
  const Tensor in = x[0].value(), out(in.shape(), in.dtype(), in.device());
  const int64_t n = in.dim(0), kh = s.ints[0], kw = s.ints[1];
  const Tensor kernels = random_uniform({n, kh * kw}, 0, 1, 3, "blur");
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (float v : kernels.rows(i, i + 1).span<float>()) sum += v;
    for (float& v : kernels.rows(i, i + 1).span<float>()) v = float(v / sum);
  }
  const Tensor there = kernels.to(in.device());
  picture_blur(context_of(out), {in.raw(), out.raw(), there.raw<float>(), n, in.dim(1), in.dim(2), in.dim(3), kh, kw, in.dtype()});
  return out;
}

Var noise(const Vars& x, const Sample&) {
  const Tensor in = x[0].value(), out(in.shape(), in.dtype(), in.device());
  const int64_t n = in.dim(0);
  std::vector<float> sigma;
  std::vector<NoiseStream> streams;
  for (int64_t i = 0; i < n; ++i) streams.push_back({5, 0x123456789abcdef0 + uint64_t(i)}), sigma.push_back(0.1f * float(i + 1));
  const KernelArray<NoiseStream> streams_there(streams, in.device());
  const KernelArray<float> sigma_there(sigma, in.device());
  picture_noise(context_of(out), {in.raw(), out.raw(), streams_there.data(), sigma_there.data(), n, in.numel() / n, in.dtype()});
  return out;
}

Var levels(const Vars& x, const Sample&) {
  const Tensor in = x[0].value(), out(in.shape(), in.dtype(), in.device());
  picture_levels(context_of(out), {in.raw(), out.raw(), in.numel(), in.dtype()});
  return out;
}

const OpCaseRegistration cases[] = {
    OpCaseRegistration({
        .op = "picture_blur", .families = {"picture_blur"},
        .samples = {{"ragged", {{2, 7, 5, 3}}, {.mean = 0.5, .std = 0.3}, {}, {3, 5}},
                    {"smaller than its kernel", {{1, 2, 1, 3}}, {}, {}, {7, 5}},
                    {"more than one tile", {{1, 70, 35, 1}}, {}, {}, {5, 3}},
                    {"one weight", {{3, 4, 6, 2}}, {}, {}, {1, 1}},
                    {"large mean", {{1, 6, 9, 3}}, {.mean = 1e3}, {}, {5, 5}}},
        .run = blur,
        // 35 products of positive weights that sum to one, added in f32 one after the other.
        .f32_tolerance = 35 * 0x1p-24, .differentiable = false}),
    OpCaseRegistration({
        .op = "picture_noise", .families = {"picture_noise"},
        .samples = {{"ragged", {{3, 5, 7, 3}}, {.mean = 0.5, .std = 0.3}}, {"one picture", {{1, 300}}, {.mean = 0.5, .std = 0.3}}},
        .run = noise,
        // A normal number rounded to f32, a product and a sum below one.
        .f32_tolerance = 3 * 0x1p-24, .differentiable = false}),
    OpCaseRegistration({
        .op = "picture_levels", .families = {"picture_levels"},
        .samples = {{"ragged", {{3, 5, 7, 3}}, {.mean = 0.5, .std = 0.3}}, {"clipped", {{301}}, {.mean = 0, .std = 2}}},
        .run = levels,
        // The level is the same whole number unless 255 x is within 2^-17 of a half; then a division and a difference are rounded.
        .f32_tolerance = 2 * 0x1p-24, .differentiable = false}),
};

}  // namespace
