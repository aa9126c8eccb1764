#include "autograd/ops/resize.h"
#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

// ints: height, width, mode, align_corners, antialias, and optionally 1000 * scale factor (then height and width are not read).
Var run_resize(const Vars& x, const Sample& s) {
  const auto mode = ResizeMode(s.ints[2]);
  if (s.ints.size() > 5) return resize_by(x[0], double(s.ints[5]) / 1000, mode, s.ints[3], s.ints[4]);
  return resize(x[0], s.ints[0], s.ints[1], mode, s.ints[3], s.ints[4]);
}

constexpr auto nearest = int64_t(ResizeMode::nearest), bilinear = int64_t(ResizeMode::bilinear), bicubic = int64_t(ResizeMode::bicubic),
               area = int64_t(ResizeMode::area);

Var image() { return Tensor::zeros({1, 3, 4, 2}); }

const OpCaseRegistration resize_case{{
    .op = "resize",
    .families = {"resample2d"},
    .samples =
        {
            {"nearest up, ragged", {{2, 3, 4, 3}}, {}, {}, {5, 7, nearest, 0, 0}},
            {"nearest down", {{1, 7, 9, 2}}, {}, {}, {3, 4, nearest, 0, 0}},
            {"nearest x2, wide channels", {{2, 3, 5, 19}}, {}, {}, {6, 10, nearest, 0, 0}},
            {"bilinear up", {{2, 4, 5, 3}}, {}, {}, {7, 11, bilinear, 0, 0}},
            {"bilinear down", {{1, 9, 8, 33}}, {}, {}, {4, 3, bilinear, 0, 0}},
            {"bilinear up, corners", {{1, 4, 5, 2}}, {}, {}, {7, 11, bilinear, 1, 0}},
            {"bilinear to one pixel, corners", {{2, 4, 5, 2}}, {}, {}, {1, 1, bilinear, 1, 0}},
            {"bilinear antialias", {{1, 19, 17, 3}}, {}, {}, {4, 3, bilinear, 0, 1}},
            {"bilinear by 0.6", {{1, 8, 6, 2}}, {}, {}, {0, 0, bilinear, 0, 0, 600}},
            {"bicubic up", {{1, 4, 5, 2}}, {}, {}, {7, 11, bicubic, 0, 0}},
            {"bicubic from one row", {{1, 1, 5, 2}}, {}, {}, {3, 2, bicubic, 0, 0}},
            {"bicubic down, corners", {{1, 9, 8, 2}}, {}, {}, {4, 3, bicubic, 1, 0}},
            {"bicubic antialias", {{1, 21, 18, 3}}, {}, {}, {5, 4, bicubic, 0, 1}},
            {"area", {{2, 9, 8, 5}}, {}, {}, {4, 3, area, 0, 0}},
            {"area of many taps, large mean", {{1, 24, 22, 3}}, {1e3, 1}, {}, {2, 2, area, 0, 0}},
        },
    .run = run_resize,
    .f32_tolerance = 1e-6,  // bicubic: 16 products whose weights' magnitudes sum to 1.9, each rounded at 6e-8, and the weights' own rounding
    .gradgrad = true,
    .errors =
        {
            {"size", [] { resize(image(), 0, 5, ResizeMode::bilinear); }, {"resize", "size must be positive", "0 x 5"}},
            {"rank", [] { resize(Tensor::zeros({3, 4}), 2, 2, ResizeMode::nearest); }, {"resize", "[N,H,W,C]", "[3,4]"}},
            {"corners", [] { resize(image(), 2, 2, ResizeMode::nearest, true); }, {"align_corners", "nearest"}},
            {"antialias", [] { resize(image(), 2, 2, ResizeMode::area, false, true); }, {"antialias", "area"}},
        },
}};

const OpCaseRegistration upsample_case{{
    .op = "upsample_nearest2x",
    .families = {"resample2d"},
    .samples = {{"ragged", {{2, 3, 5, 7}}}, {"wide", {{1, 4, 4, 64}}}, {"one pixel", {{1, 1, 1, 1}}}},
    .run = [](const Vars& x, const Sample&) { return upsample_nearest2x(x[0]); },
    .f32_tolerance = 1e-7,  // copies
    .f32_grad_tolerance = 2e-7,  // sums of four
    .gradgrad = true,
    .errors = {{"rank", [] { upsample_nearest2x(Tensor::zeros({3})); }, {"upsample_nearest2x", "[3]"}}},
}};

}  // namespace
}  // namespace kintsugi::testing
