// Convolutions. An output is a sum of K = kh kw C/groups products of unit normals with about sqrt(K) roundings of 6e-8, relative to its
// own size sqrt(K): 2e-6 covers K up to 600. The sums of the weight gradient run over at most as many pixels.
// F(4x4, 3x3) sums a ninth as many products, so rounds a third as much, and its output transform makes that up to 8.2 times larger: the sum
// over i of A_ki^2 |B_i|^2 |G_i|^2 / 3 is 8.2, 2.3, 2.1, 6.5 for the four k, and its root counts twice, once per axis. Together 2.7 times:
// 6e-6. F(4x4, 2x2) in the same way: 4.5 times two thirds of what a sum of 4 C in place of 9 C products rounds, 1.5 times: 3e-6.
// The phases of conv2d_up2 in bf16 have weights that are sums, rounded once more: 4 C independent roundings of 2^-8 at most, on average 0.4 of that, of
// products whose sum has the deviation d. Together 0.4 d 2^-8, and 1.5 d 2^-8 where it is worst among a few thousand results, of which the largest is
// 2.4 d or more: 0.6 2^-8 beside the rounding of the result.
// Rows tf32 round both operands to 11 bits: 2^-11 of a product at most, on average a third of it, as much again of the other.
#include "autograd/ops/conv2d.h"

#include "autograd/precision.h"

#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

// ints: stride, top, bottom, left, right, dilation, groups (and output_padding for the transposed one).
Conv2dOptions options(const Sample& s) {
  const auto i = [&](int k) { return int(s.ints[k]); };
  return {i(0), {i(1), i(2), i(3), i(4)}, i(5), i(6)};
}

const OpCaseRegistration conv2d_case{{
    .op = "conv2d",
    .families = {"conv2d_fwd", "conv2d_dgrad", "conv2d_wgrad"},
    .samples = {{"3x3", {{2, 7, 6, 4}, {5, 3, 3, 4}, {5}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"3x3 no padding, no bias", {{1, 6, 5, 3}, {4, 3, 3, 3}}, {}, {}, {1, 0, 0, 0, 0, 1, 1}},
                {"more channels than a tile", {{1, 9, 17, 33}, {37, 3, 3, 33}, {37}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"3x3 of many channels", {{1, 7, 10, 32}, {48, 3, 3, 32}, {48}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"3x3 of many channels, sides differ", {{1, 6, 7, 64}, {64, 3, 3, 32}, {64}}, {}, {}, {1, 0, 2, 3, 1, 1, 2}},
                {"lines of 64 channels", {{1, 9, 10, 64}, {72, 3, 3, 64}, {72}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"lines of 8 channels, stride 2", {{2, 9, 7, 8}, {24, 4, 4, 8}, {24}}, {}, {}, {2, 1, 1, 1, 1, 1, 1}},
                {"many channels, large mean", {{1, 6, 8, 32}, {32, 3, 3, 32}}, {}, {{1e3, 1}, {0, 1}}, {1, 1, 1, 1, 1, 1, 1}},
                {"to three channels", {{1, 6, 7, 20}, {3, 3, 3, 20}, {3}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"from three channels", {{1, 8, 6, 3}, {20, 4, 4, 3}, {20}}, {}, {}, {2, 1, 1, 1, 1, 1, 1}},
                {"3x3 stride 2", {{1, 7, 8, 3}, {4, 3, 3, 3}, {4}}, {}, {}, {2, 1, 1, 1, 1, 1, 1}},
                {"pad bottom and right, even", {{2, 8, 6, 4}, {4, 3, 3, 4}, {4}}, {}, {}, {2, 0, 1, 0, 1, 1, 1}},
                {"pad bottom and right, odd", {{1, 7, 5, 3}, {3, 3, 3, 3}, {3}}, {}, {}, {2, 0, 1, 0, 1, 1, 1}},
                {"all sides differ", {{1, 5, 6, 2}, {3, 3, 3, 2}, {3}}, {}, {}, {1, 0, 3, 4, 1, 1, 1}},
                {"1x1", {{2, 5, 4, 6}, {3, 1, 1, 6}, {3}}, {}, {}, {1, 0, 0, 0, 0, 1, 1}},
                {"1x1 stride 2", {{1, 6, 7, 4}, {5, 1, 1, 4}}, {}, {}, {2, 0, 0, 0, 0, 1, 1}},
                {"4x4 stride 2", {{2, 8, 10, 3}, {4, 4, 4, 3}}, {}, {}, {2, 1, 1, 1, 1, 1, 1}},
                {"4x4", {{1, 7, 6, 4}, {1, 4, 4, 4}, {1}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"whole image", {{3, 4, 4, 5}, {6, 4, 4, 5}, {6}}, {}, {}, {1, 0, 0, 0, 0, 1, 1}},
                {"7x7 stride 2", {{1, 12, 11, 3}, {4, 7, 7, 3}}, {}, {}, {2, 3, 3, 3, 3, 1, 1}},
                {"stride beyond the kernel", {{1, 7, 6, 2}, {2, 2, 2, 2}, {2}}, {}, {}, {3, 0, 0, 0, 0, 1, 1}},
                {"1x3", {{1, 5, 6, 3}, {4, 1, 3, 3}, {4}}, {}, {}, {1, 0, 0, 1, 1, 1, 1}},
                {"dilation 2", {{1, 9, 8, 3}, {4, 3, 3, 3}, {4}}, {}, {}, {1, 2, 2, 2, 2, 2, 1}},
                {"stride 2 and dilation 2", {{1, 9, 8, 2}, {3, 3, 3, 2}}, {}, {}, {2, 2, 2, 2, 2, 2, 1}},
                {"two groups", {{2, 6, 5, 4}, {6, 3, 3, 2}, {6}}, {}, {}, {1, 1, 1, 1, 1, 1, 2}},
                {"depthwise", {{1, 7, 6, 18}, {18, 3, 3, 1}, {18}}, {}, {}, {1, 1, 1, 1, 1, 1, 18}},
                {"depthwise stride 2", {{1, 7, 7, 5}, {5, 3, 3, 1}, {5}}, {}, {}, {2, 1, 1, 1, 1, 1, 5}},
                {"depthwise, two outputs each", {{1, 5, 6, 3}, {6, 3, 3, 1}, {6}}, {}, {}, {1, 1, 1, 1, 1, 1, 3}},
                {"one pixel", {{1, 1, 1, 2}, {3, 3, 3, 2}, {3}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"wide", {{1, 3, 230, 2}, {3, 3, 3, 2}, {3}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"large mean", {{2, 6, 7, 8}, {5, 3, 3, 8}}, {}, {{1e3, 1}, {0, 1}}, {1, 1, 1, 1, 1, 1, 1}}},
    .run = [](const Vars& x, const Sample& s) { return conv2d(x[0], x[1], x.size() > 2 ? x[2] : Var(), options(s)); },
    .f32_tolerance = 2e-6,
    .row_tolerance = {{"conv2d_fwd=tf32", 0x1p-10}, {"conv2d_dgrad=tf32", 0x1p-10}, {"conv2d_wgrad=tf32", 0x1p-10}},
    .gradgrad = true,
    .errors = {{"channels", [] { conv2d(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 4})); }, {"conv2d", "x must have 4", "got 3"}},
               {"rank", [] { conv2d(Tensor::zeros({4, 4, 3}), Tensor::zeros({2, 3, 3, 3})); }, {"conv2d", "x must be", "[4,4,3]"}},
               {"fit", [] { conv2d(Tensor::zeros({1, 2, 4, 3}), Tensor::zeros({2, 3, 3, 3})); }, {"conv2d", "fit", "[2,3,3,3]", "[1,2,4,3]"}},
               {"groups", [] { conv2d(Tensor::zeros({1, 4, 4, 4}), Tensor::zeros({3, 3, 3, 2}), {}, {.groups = 2}); }, {"conv2d", "groups", "3", "got 2"}},
               {"stride", [] { conv2d(Tensor::zeros({1, 4, 4, 4}), Tensor::zeros({3, 3, 3, 4}), {}, {.stride = 0}); }, {"conv2d", "stride", "got 0"}},
               {"bias", [] { conv2d(Tensor::zeros({1, 4, 4, 4}), Tensor::zeros({3, 3, 3, 4}), Tensor::zeros({4})); }, {"conv2d", "bias", "[3]", "got [4]"}}},
}};

const OpCaseRegistration fast_case{{
    .op = "conv2d fast",
    .families = {"conv2d_fwd"},
    .samples = {{"ragged", {{1, 7, 10, 32}, {48, 3, 3, 32}, {48}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"sides differ", {{1, 6, 7, 64}, {64, 3, 3, 32}, {64}}, {}, {}, {1, 0, 2, 3, 1, 1, 2}},
                {"large mean", {{1, 6, 8, 32}, {32, 3, 3, 32}}, {}, {{1e3, 1}, {0, 1}}, {1, 1, 1, 1, 1, 1, 1}}},
    .run =
        [](const Vars& x, const Sample& s) {
          const PrecisionGuard fast(Precision::fast);
          return conv2d(x[0], x[1], x.size() > 2 ? x[2] : Var(), options(s));
        },
    .f32_tolerance = 6e-6,
    .row_tolerance = {{"conv2d_fwd=tf32", 0x1p-10}},
    .f32_grad_tolerance = 2e-5,
    .gradgrad = true,
}};

const OpCaseRegistration residual_case{{
    .op = "conv2d with residual",
    .families = {"conv2d_fwd"},
    .samples = {{"3x3", {{2, 5, 6, 4}, {5, 3, 3, 4}, {5}, {2, 5, 6, 5}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"3x3 of many channels", {{1, 7, 10, 32}, {48, 3, 3, 32}, {48}, {1, 7, 10, 48}}, {}, {}, {1, 1, 1, 1, 1, 1, 1}},
                {"1x1", {{2, 3, 4, 6}, {3, 1, 1, 6}, {3}, {2, 3, 4, 3}}, {}, {}, {1, 0, 0, 0, 0, 1, 1}},
                {"stride 2", {{1, 6, 7, 3}, {4, 3, 3, 3}, {4}, {1, 3, 4, 4}}, {}, {}, {2, 1, 1, 1, 1, 1, 1}},
                {"two groups", {{1, 6, 6, 64}, {64, 3, 3, 32}, {64}, {1, 6, 6, 64}}, {}, {}, {1, 1, 1, 1, 1, 1, 2}}},
    .run = [](const Vars& x, const Sample& s) { return conv2d(x[0], x[1], x[2], options(s), x[3]); },
    .f32_tolerance = 2e-6,
    .row_tolerance = {{"conv2d_fwd=tf32", 0x1p-10}},
    .gradgrad = true,
    .errors = {{"shape", [] { conv2d(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 3}), {}, {.pad = pad_all(1)}, Tensor::zeros({1, 4, 4, 3})); },
                {"conv2d", "residual must be [1,4,4,2]", "got [1,4,4,3]"}}},
}};

const OpCaseRegistration up2_case{{
    .op = "conv2d_up2",
    .families = {"conv2d_up2_fwd"},
    .samples = {{"few channels", {{2, 3, 4, 5}, {3, 3, 3, 5}, {3}}},
                {"one pixel, no bias", {{1, 1, 1, 2}, {3, 3, 3, 2}}},
                {"many channels", {{1, 6, 7, 32}, {48, 3, 3, 32}, {48}}},
                {"ragged lines", {{1, 3, 5, 9}, {11, 3, 3, 9}, {11}}},
                {"lines of 8 channels", {{2, 3, 5, 8}, {24, 3, 3, 8}, {24}}},
                {"lines of 64 channels", {{1, 5, 9, 64}, {72, 3, 3, 64}, {72}}},
                {"large mean", {{1, 6, 6, 32}, {32, 3, 3, 32}}, {}, {{1e3, 1}, {0, 1}}}},
    .run = [](const Vars& x, const Sample&) { return conv2d_up2(x[0], x[1], x.size() > 2 ? x[2] : Var()); },
    .f32_tolerance = 3e-6,
    .f32_grad_tolerance = 2e-5,
    .bf16_tolerance = 0x1.ap-8,
    .gradgrad = true,
    .errors = {{"kernel", [] { conv2d_up2(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 1, 1, 3})); }, {"conv2d_up2", "w must be", "[2,1,1,3]"}},
               {"channels", [] { conv2d_up2(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 4})); }, {"conv2d_up2", "x must have 4", "got 3"}}},
}};

const OpCaseRegistration conv2d_transpose_case{{
    .op = "conv2d_transpose",
    .families = {"conv2d_fwd", "conv2d_dgrad", "conv2d_wgrad"},
    .samples = {{"4x4 stride 2", {{2, 5, 4, 4}, {4, 4, 4, 3}, {3}}, {}, {}, {2, 1, 1, 1, 1, 1, 1, 0}},
                {"3x3 stride 2 with output padding", {{1, 4, 5, 3}, {3, 3, 3, 4}, {4}}, {}, {}, {2, 1, 1, 1, 1, 1, 1, 1}},
                {"2x2 stride 2, no bias", {{1, 3, 4, 4}, {4, 2, 2, 2}}, {}, {}, {2, 0, 0, 0, 0, 1, 1, 0}},
                {"gaps between taps", {{1, 3, 4, 4}, {4, 2, 2, 2}, {2}}, {}, {}, {3, 0, 0, 0, 0, 1, 1, 2}},
                {"two groups", {{1, 5, 5, 4}, {4, 3, 3, 3}, {6}}, {}, {}, {1, 1, 1, 1, 1, 1, 2, 0}},
                {"1x1", {{2, 3, 4, 5}, {5, 1, 1, 6}, {6}}, {}, {}, {1, 0, 0, 0, 0, 1, 1, 0}},
                {"from one pixel", {{3, 1, 1, 5}, {5, 4, 4, 6}, {6}}, {}, {}, {1, 0, 0, 0, 0, 1, 1, 0}},
                {"large mean", {{1, 5, 4, 4}, {4, 4, 4, 3}}, {}, {{1e3, 1}, {0, 1}}, {2, 1, 1, 1, 1, 1, 1, 0}}},
    .run =
        [](const Vars& x, const Sample& s) {
          const Conv2dOptions o = options(s);
          return conv2d_transpose(x[0], x[1], x.size() > 2 ? x[2] : Var(), {o.stride, o.pad, o.dilation, o.groups, int(s.ints[7])});
        },
    .f32_tolerance = 2e-6,
    .row_tolerance = {{"conv2d_fwd=tf32", 0x1p-10}, {"conv2d_dgrad=tf32", 0x1p-10}, {"conv2d_wgrad=tf32", 0x1p-10}},
    .gradgrad = true,
    .errors = {{"channels", [] { conv2d_transpose(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 3})); }, {"conv2d_transpose", "x must have 2", "got 3"}},
               {"output_padding", [] { conv2d_transpose(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({3, 3, 3, 3}), {}, {.stride = 2, .output_padding = 2}); },
                {"conv2d_transpose", "output_padding", "got 2"}}},
}};

}  // namespace
}  // namespace kintsugi::testing
