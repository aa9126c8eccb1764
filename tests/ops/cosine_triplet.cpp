// Five inner products per image, carried in f64 between short f32 blocks.
#include "autograd/ops/cosine_triplet.h"

#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

const OpCaseRegistration triplet_case{{
    .op = "cosine_triplet", .families = {"cosine_triplet_fwd", "cosine_triplet_bwd"},
    .samples = {{"ragged", {{3, 5, 2, 7}, {3, 5, 2, 7}, {3, 5, 2, 7}}},
                {"one image", {{1, 9}, {1, 9}, {1, 9}}},
                {"several pieces", {{2, 20011}, {2, 20011}, {2, 20011}}},
                {"alike", {{2, 50}, {2, 50}, {2, 50}}, {.mean = 5}}},
    .run = [](const Vars& x, const Sample&) { return cosine_triplet(x[0], x[1], x[2]); },
    // Near-parallel features cancel in the gradient: one part in |f|^2 / spread^2 is left.
    .f32_tolerance = 5e-7, .f32_grad_tolerance = 2e-5, .gradgrad = true,
    .errors = {{"shape", [] { cosine_triplet(Tensor::zeros({2, 3}), Tensor::zeros({2, 4}), Tensor::zeros({2, 4})); }, {"cosine_triplet", "positive", "[2,4]", "[2,3]"}},
               {"eps", [] { cosine_triplet(Tensor::zeros({2, 3}), Tensor::zeros({2, 3}), Tensor::zeros({2, 3}), 0); }, {"cosine_triplet", "eps"}}}}};

}  // namespace
