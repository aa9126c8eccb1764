#include "autograd/ops/pool.h"

#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

// ints: kernel, stride, pad (and count_include_pad for averages).
const OpCaseRegistration avg_pool_case{{
    .op = "avg_pool",
    .families = {"resample2d"},
    .samples = {{"2", {{2, 6, 7, 3}}, {}, {}, {2, 2, 0, 1}},
                {"3 stride 2 pad 1", {{1, 7, 8, 18}}, {}, {}, {3, 2, 1, 1}},
                {"3 stride 2 pad 1, inside only", {{1, 7, 8, 2}}, {}, {}, {3, 2, 1, 0}},
                {"gaps between windows", {{1, 8, 9, 2}}, {}, {}, {2, 3, 0, 1}},
                {"large mean", {{2, 6, 6, 4}}, {1e3, 1}, {}, {3, 1, 0, 1}}},
    .run = [](const Vars& x, const Sample& s) { return avg_pool(x[0], s.ints[0], s.ints[1], s.ints[2], s.ints[3]); },
    .f32_tolerance = 6e-7,  // nine terms and the rounding of 1/3
    .gradgrad = true,
    .errors = {{"pad", [] { avg_pool(Tensor::zeros({1, 4, 4, 1}), 2, 2, 2); }, {"avg_pool", "pad", "got 2"}},
               {"kernel", [] { avg_pool(Tensor::zeros({1, 2, 9, 1}), 3, 1); }, {"avg_pool", "kernel", "got 3", "[1,2,9,1]"}}},
}};

const OpCaseRegistration max_pool_case{{
    .op = "max_pool",
    .families = {"max_pool_fwd", "max_pool_scatter", "max_pool_gather"},
    .samples = {{"2", {{2, 6, 7, 3}}, {}, {}, {2, 2, 0}},
                {"3 stride 2 pad 1, wide channels", {{1, 7, 8, 37}}, {}, {}, {3, 2, 1}},
                {"overlapping", {{2, 5, 6, 2}}, {}, {}, {3, 1, 1}},
                {"large mean", {{1, 6, 6, 4}}, {1e3, 1}, {}, {3, 2, 1}},
                {"one pixel", {{1, 1, 1, 2}}, {}, {}, {1, 1, 0}}},
    .run = [](const Vars& x, const Sample& s) { return max_pool(x[0], s.ints[0], s.ints[1], s.ints[2]); },
    .f32_tolerance = 1e-7,       // no arithmetic
    .f32_grad_tolerance = 4e-7,  // up to nine terms per pixel
    .gradgrad = true,
    .errors = {{"stride", [] { max_pool(Tensor::zeros({1, 4, 4, 1}), 2, 0); }, {"max_pool", "stride", "got 0"}},
               {"rank", [] { max_pool(Tensor::zeros({4, 4}), 2, 2); }, {"max_pool", "[4,4]"}}},
}};

// The gradient as an op of its own: scatter forward, gather backward.
const OpCaseRegistration max_pool_gradient_case{{
    .op = "max_pool_gradient",
    .families = {"max_pool_fwd", "max_pool_scatter", "max_pool_gather"},
    .samples = {{"overlapping, wide channels", {{2, 5, 6, 21}, {2, 5, 6, 21}}}},
    .run =
        [](const Vars& x, const Sample&) {
          const GradMode on(true);
          const Var gx = grad(max_pool(x[0], 3, 1, 1), {x[0]}, x[1], {.create_graph = true})[0];
          return gx + x[0] * 0.0;  // the winners do not move: no gradient to x
        },
    .f32_tolerance = 4e-7,  // up to nine terms per pixel
}};

const OpCaseRegistration adaptive_avg_pool_case{{
    .op = "adaptive_avg_pool",
    .families = {"resample2d"},
    .samples = {{"to one", {{2, 5, 4, 3}}, {}, {}, {1, 1}},
                {"ragged", {{1, 7, 5, 2}}, {}, {}, {3, 2}},
                {"larger than the image", {{1, 2, 3, 2}}, {}, {}, {3, 5}},
                {"large mean", {{1, 33, 40, 5}}, {1e3, 1}, {}, {2, 3}}},
    .run = [](const Vars& x, const Sample& s) { return adaptive_avg_pool(x[0], s.ints[0], s.ints[1]); },
    .f32_tolerance = 6e-7,  // sums of 17 in groups of eight
    .gradgrad = true,
    .errors = {{"size", [] { adaptive_avg_pool(Tensor::zeros({1, 4, 4, 1}), 0, 1); }, {"adaptive_avg_pool", "0 x 1"}}},
}};

const OpCaseRegistration adaptive_max_pool_case{{
    .op = "adaptive_max_pool",
    .families = {"max_pool_fwd", "max_pool_scatter", "max_pool_gather"},
    .samples = {{"to one", {{2, 5, 4, 3}}, {}, {}, {1, 1}}, {"ragged", {{1, 7, 10, 17}}, {}, {}, {3, 4}}},
    .run = [](const Vars& x, const Sample& s) { return adaptive_max_pool(x[0], s.ints[0], s.ints[1]); },
    .f32_tolerance = 1e-7,       // no arithmetic
    .f32_grad_tolerance = 4e-7,  // windows overlap by at most a row and a column
    .gradgrad = true,
    .errors = {{"size", [] { adaptive_max_pool(Tensor::zeros({1, 4, 4, 1}), 2, -1); }, {"adaptive_max_pool", "2 x -1"}}},
}};

}  // namespace
}  // namespace kintsugi::testing
