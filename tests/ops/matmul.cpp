// Matrix products. A sum of K products of unit normals carries about sqrt(K) roundings of 6e-8, relative to its own size sqrt(K): 2e-6
// covers the K of up to 800 here, and 10 times that is asked of the gradients, whose inner length is at most as large. Row tf32 rounds
// both operands to 11 bits: 2^-11 of a product at most, on average a third of it, as much again of the other.
#include "autograd/ops/matmul.h"

#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {

// ints: transpose_a, transpose_b.
const OpCaseRegistration matmul_case{{
    .op = "matmul",
    .families = {"matmul"},
    .samples = {{"one", {{1, 1}, {1, 1}}, {}, {}, {0, 0}},
                {"ragged", {{37, 29}, {29, 65}}, {}, {}, {0, 0}},
                {"a transposed", {{29, 37}, {29, 33}}, {}, {}, {1, 0}},
                {"b transposed", {{15, 7}, {31, 7}}, {}, {}, {0, 1}},
                {"both transposed", {{7, 15}, {33, 7}}, {}, {}, {1, 1}},
                {"stack", {{3, 5, 8}, {3, 8, 6}}, {}, {}, {0, 0}},
                {"stack transposed", {{3, 8, 5}, {3, 6, 8}}, {}, {}, {1, 1}},
                {"rank 4", {{2, 3, 4, 5}, {2, 3, 5, 6}}, {}, {}, {0, 0}},
                {"b for all", {{2, 3, 4, 5}, {5, 6}}, {}, {}, {0, 0}},
                {"b for all, a transposed", {{3, 5, 4}, {6, 5}}, {}, {}, {1, 1}},
                {"a for all", {{4, 5}, {3, 5, 6}}, {}, {}, {0, 0}},
                {"long sum", {{3, 800}, {800, 5}}, {}, {}, {0, 0}},
                {"larger than a tile", {{150, 40}, {40, 72}}, {}, {}, {0, 0}},
                {"lines of 8, both transposed", {{24, 40}, {88, 24}}, {}, {}, {1, 1}},
                {"stack of lines of 8", {{2, 37, 24}, {2, 24, 40}}, {}, {}, {0, 0}},
                {"lines of 8 for all", {{3, 13, 64}, {64, 72}}, {}, {}, {0, 0}},
                {"several tiles a block", {{530, 16}, {16, 40}}, {}, {}, {0, 0}},
                {"several wide tiles a block, both transposed", {{16, 530}, {136, 16}}, {}, {}, {1, 1}},
                {"tall", {{230, 3}, {3, 40}}, {}, {}, {0, 0}},
                {"large mean", {{9, 40}, {40, 33}}, {1e3, 1}, {}, {0, 0}}},
    .run = [](const Vars& x, const Sample& s) { return matmul(x[0], x[1], s.ints[0], s.ints[1]); },
    .f32_tolerance = 2e-6,
    .row_tolerance = {{"matmul=tf32", 0x1p-10}},
    .gradgrad = true,
    .errors = {{"inner", [] { matmul(Tensor::zeros({2, 3}), Tensor::zeros({4, 5})); }, {"matmul", "b must", "length 3", "got 4", "[2,3]"}},
               {"leading", [] { matmul(Tensor::zeros({2, 2, 3}), Tensor::zeros({4, 3, 5})); }, {"matmul", "leading", "[4,3,5]", "[2,2,3]"}},
               {"rank", [] { matmul(Tensor::zeros({3}), Tensor::zeros({3, 5})); }, {"matmul", "a must", "[3]"}},
               {"dtype", [] { matmul(Tensor::zeros({2, 3}), Tensor::zeros({3, 5}, DType::f64)); }, {"matmul", "f32", "got f64"}}},
}};

const OpCaseRegistration linear_case{{
    .op = "linear",
    .families = {"matmul"},
    .samples = {{"tokens", {{2, 9, 17}, {35, 17}, {35}}},
                {"no bias", {{5, 7}, {4, 7}}},
                {"one row", {{11}, {3, 11}, {3}}},
                {"rank 4", {{2, 3, 4, 5}, {6, 5}, {6}}},
                {"large mean", {{33, 20}, {8, 20}}, {}, {{1e3, 1}, {0, 1}}}},
    .run = [](const Vars& x, const Sample&) { return linear(x[0], x[1], x.size() > 2 ? x[2] : Var()); },
    .f32_tolerance = 1e-6,
    .row_tolerance = {{"matmul=tf32", 0x1p-10}},
    .gradgrad = true,
    .errors = {{"x", [] { linear(Tensor::zeros({2, 3}), Tensor::zeros({4, 5})); }, {"linear", "x must", "5", "[2,3]"}},
               {"bias", [] { linear(Tensor::zeros({2, 5}), Tensor::zeros({4, 5}), Tensor::zeros({5})); }, {"linear", "bias", "[4]", "[5]"}}},
}};

}  // namespace
}  // namespace kintsugi::testing
