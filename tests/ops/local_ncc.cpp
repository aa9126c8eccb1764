#include "autograd/ops/local_ncc.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

LocalNcc options(const Sample& s) { return {s.ints[0], s.ints[1] != 0, s.ints[2] ? 1e-5 : 0}; }
Sample sample(const char* name, Shape shape, std::vector<int64_t> ints, Draw draw = {}) { return {name, {shape, shape}, draw, {}, std::move(ints)}; }

// ints: window, zero_padded, eps on. The fast row computes in f64 on f32 pixels: what remains is the rounding of what it stores.
const OpCaseRegistration local_ncc_case{{
    .op = "local_ncc",
    .families = {"local_ncc_fwd", "local_ncc_bwd"},
    .samples = {sample("9, padded", {2, 11, 12, 1}, {9, 1, 1}),
                sample("5, padded, three channels", {1, 9, 7, 3}, {5, 1, 1}, {.mean = 0.5, .std = 0.2}),
                sample("3, whole windows, no eps", {2, 6, 7, 2}, {3, 0, 0}),
                sample("several bands", {1, 70, 6, 1}, {5, 0, 1}),
                sample("window beyond the image", {1, 4, 3, 2}, {9, 1, 1}),
                sample("several tiles", {1, 37, 70, 1}, {3, 1, 1}), sample("widest window of a tile", {1, 40, 25, 1}, {21, 1, 1}),
                sample("wider than a tile's", {1, 24, 26, 1}, {23, 0, 1}),
                sample("large mean", {1, 12, 11, 2}, {5, 1, 1}, {.mean = 1e3})},
    .run = [](const Vars& x, const Sample& s) { return local_ncc(x[0], x[1], options(s)); },
    .f32_tolerance = 1e-7,
    .f32_grad_tolerance = 2e-7,
    .errors = {{"shape", [] { local_ncc(Tensor::zeros({1, 9, 9, 1}), Tensor::zeros({1, 9, 8, 1})); }, {"local_ncc", "b must be", "[1,9,9,1]", "[1,9,8,1]"}},
               {"even", [] { local_ncc(Tensor::zeros({1, 9, 9, 1}), Tensor::zeros({1, 9, 9, 1}), {.window = 4}); }, {"local_ncc", "odd", "got 4"}},
               {"fit", [] { local_ncc(Tensor::zeros({1, 4, 9, 1}), Tensor::zeros({1, 4, 9, 1}), {.zero_padded = false}); }, {"local_ncc", "window", "got 9", "[1,4,9,1]"}}},
}};

}  // namespace
}  // namespace kintsugi::testing
