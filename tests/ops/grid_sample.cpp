#include "autograd/ops/grid_sample.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

constexpr auto bilinear = int64_t(GridSampling::bilinear), nearest = int64_t(GridSampling::nearest);
constexpr auto zeros = int64_t(GridPadding::zeros), border = int64_t(GridPadding::border), reflection = int64_t(GridPadding::reflection);

// Grids spread over the image and beyond its border.
Sample sample(const char* name, Shape x, int64_t h, int64_t w, std::vector<int64_t> options, Draw grid = {.std = 0.8}) {
  return {name, {x, {x[0], h, w, 2}}, {}, {{}, grid}, std::move(options)};
}

// ints: sampling, padding, align_corners. Four products whose weights sum to one, rounded at 6e-8 each, and the weights' rounding.
const OpCaseRegistration grid_sample_case{{
    .op = "grid_sample",
    .families = {"grid_sample_fwd", "grid_sample_bwd", "grid_pieces"},
    .samples = {sample("zeros", {2, 5, 6, 3}, 4, 7, {bilinear, zeros, 0}),
                sample("zeros, corners", {2, 5, 6, 3}, 4, 7, {bilinear, zeros, 1}),
                sample("border", {1, 5, 6, 2}, 4, 7, {bilinear, border, 0}),
                sample("border, corners", {1, 5, 6, 2}, 4, 7, {bilinear, border, 1}),
                sample("reflection", {1, 5, 6, 2}, 4, 7, {bilinear, reflection, 0}, {.std = 3}),
                sample("reflection, corners", {1, 5, 6, 2}, 4, 7, {bilinear, reflection, 1}, {.std = 3}),
                sample("nearest", {2, 5, 6, 3}, 4, 7, {nearest, zeros, 0}),
                sample("nearest, reflection", {1, 5, 6, 3}, 4, 7, {nearest, reflection, 1}, {.std = 3}),
                sample("several bands", {1, 70, 5, 17}, 9, 11, {bilinear, zeros, 1}),
                sample("one pixel", {1, 1, 1, 2}, 3, 2, {bilinear, zeros, 0}),
                sample("one pixel, reflection, corners", {1, 1, 1, 2}, 3, 2, {bilinear, reflection, 1})},
    .run =
        [](const Vars& x, const Sample& s) {
          return grid_sample(x[0], x[1], GridSampling(s.ints[0]), GridPadding(s.ints[1]), s.ints[2]);
        },
    .f32_tolerance = 5e-7,
    .errors = {{"grid", [] { grid_sample(Tensor::zeros({2, 4, 4, 1}), Tensor::zeros({1, 4, 4, 2})); }, {"grid_sample", "grid", "[2,h,w,2]", "[1,4,4,2]"}},
               {"x", [] { grid_sample(Tensor::zeros({4, 4}), Tensor::zeros({1, 4, 4, 2})); }, {"grid_sample", "x must be", "[4,4]"}}},
}};

const OpCaseRegistration affine_grid_case{{
    .op = "affine_grid",
    .families = {"affine_grid_fwd", "affine_grid_bwd"},
    .samples = {{"edges", {{2, 2, 3}}, {}, {}, {4, 5, 0}}, {"corners", {{2, 2, 3}}, {}, {}, {4, 5, 1}}, {"one cell", {{1, 2, 3}}, {}, {}, {1, 1, 1}}},
    .run = [](const Vars& x, const Sample& s) { return affine_grid(x[0], s.ints[0], s.ints[1], s.ints[2]); },
    .f32_tolerance = 2e-7,  // f64 inside
    .gradgrad = true,
    .errors = {{"theta", [] { affine_grid(Tensor::zeros({2, 3}), 4, 4); }, {"affine_grid", "theta", "[2,3]"}}},
}};

// ints: padding.
const OpCaseRegistration warp_case{{
    .op = "warp",
    .families = {"grid_sample_fwd", "grid_sample_bwd", "grid_pieces"},
    .samples = {{"zeros", {{2, 6, 7, 3}, {2, 6, 7, 2}}, {.std = 1.5}, {}, {zeros}},
                {"border", {{1, 6, 7, 3}, {1, 6, 7, 2}}, {.std = 1.5}, {}, {border}},
                {"small displacements", {{1, 40, 8, 3}, {1, 40, 8, 2}}, {.std = 0.1}, {}, {zeros}}},
    .run = [](const Vars& x, const Sample& s) { return warp(x[0], x[1], GridSampling::bilinear, GridPadding(s.ints[0])); },
    .f32_tolerance = 5e-7,
    .errors = {{"flow", [] { warp(Tensor::zeros({1, 4, 5, 3}), Tensor::zeros({1, 5, 4, 2})); }, {"warp", "flow", "[1,5,4,2]", "[1,4,5,3]"}}},
}};

const OpCaseRegistration integrate_case{{
    .op = "integrate_velocity",
    .families = {"grid_sample_fwd", "grid_sample_bwd", "grid_pieces"},
    .samples = {{"seven steps", {{1, 8, 10, 2}}, {.std = 2}, {}, {7}}, {"none", {{1, 3, 3, 2}}, {}, {}, {0}}},
    .run = [](const Vars& x, const Sample& s) { return integrate_velocity(x[0], int(s.ints[0])); },
    .f32_tolerance = 2e-6,  // seven compositions, each adding the rounding of one warp
    .errors = {{"steps", [] { integrate_velocity(Tensor::zeros({1, 4, 4, 2}), -1); }, {"integrate_velocity", "steps", "-1"}}},
}};

const OpCaseRegistration rescale_case{{
    .op = "rescale_flow",
    .families = {"resample2d"},
    .samples = {{"half", {{1, 8, 10, 2}}, {}, {}, {500}}, {"double", {{2, 3, 5, 2}}, {}, {}, {2000}}},
    .run = [](const Vars& x, const Sample& s) { return rescale_flow(x[0], double(s.ints[0]) / 1000); },
    .f32_tolerance = 5e-7,
    .gradgrad = true,
    .errors = {{"factor", [] { rescale_flow(Tensor::zeros({1, 4, 4, 2}), 0); }, {"rescale_flow", "factor", "got 0"}}},
}};

}  // namespace
}  // namespace kintsugi::testing
