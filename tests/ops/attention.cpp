// Attention. Scores, weights and outputs are chains of at most 64 products in f32, and sums of at most 260 weighted values: 2e-6 of the largest element.
// On tensor cores in bf16 the weights are rounded to 8 bits before the second product, and gs in backward: independent roundings of 2^-8 at most, as
// many as there are keys, which together add less to a result than its own rounding.
#include "autograd/ops/attention.h"

#include <doctest/doctest.h>

#include <cstring>

#include "kernels/attention.h"
#include "kernels/base/parallel.h"
#include "tensor/random.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

Sample sample(const char* name, Shape q, int64_t keys, int64_t heads) {
  const Shape k{q[0], keys, q[2]};
  return {.name = name, .shapes = {q, k, k}, .ints = {heads}};
}

const Tensor q246 = Tensor::zeros({2, 4, 6}), k256 = Tensor::zeros({2, 5, 6});

const OpCaseRegistration cases[] = {
    OpCaseRegistration({
        .op = "attention", .families = {"attention_fwd", "attention_bwd"},
        .samples = {sample("self", {2, 5, 12}, 5, 3), sample("cross", {2, 7, 10}, 11, 2), sample("one head", {1, 50, 24}, 50, 1),
                    sample("one key", {2, 3, 4}, 1, 2), sample("odd", {1, 3, 5}, 7, 1), sample("several blocks", {2, 101, 16}, 53, 4),
                    sample("lines of 8 channels", {2, 9, 16}, 13, 2), sample("several chunks of channels", {1, 70, 88}, 37, 1),
                    sample("more keys than a warp holds", {1, 67, 24}, 141, 1), sample("256 keys", {1, 5, 8}, 256, 1),
                    sample("more keys than registers", {1, 3, 8}, 260, 1)},
        .run = [](const Vars& x, const Sample& s) { return attention(x[0], x[1], x[2], int(s.ints[0]), 0.35); }, .gradgrad = true,
        .errors = {{"heads", [] { attention(q246, k256, k256, 4, 1); }, {"attention: heads must divide", "got 4", "[2,4,6]"}},
                   {"k", [] { attention(q246, Tensor::zeros({2, 5, 4}), k256, 2, 1); }, {"attention: k must be [2,Tk,6]", "[2,5,4]"}},
                   {"v", [] { attention(q246, k256, q246, 2, 1); }, {"attention: v must be shaped like k", "[2,5,6]", "[2,4,6]"}}}}),
    OpCaseRegistration({
        .op = "attention_map", .families = {"attention_map_fwd"}, .samples = {{"cross", {{2, 7, 10}, {2, 11, 10}}}, {"odd", {{1, 3, 6}, {1, 7, 6}}}},
        .run = [](const Vars& x, const Sample&) { return Var(attention_map(x[0].value(), x[1].value(), 2, 0.5)); },
        .differentiable = false}),
};

}  // namespace

TEST_CASE("attention's fast backward takes heads in groups: their number changes no bit") {
  const int64_t T = 370, C = 12;  // 370 x 370 weights of a head fill one thread's share
  const KernelChoice choice("attention_bwd", "fast");
  const auto random = [&](const char* purpose) { return random_normal({2, T, C}, 0.0, 1.0, 11, purpose); };
  const Tensor q = random("q"), k = random("k"), v = random("v"), gy = random("gy");
  const auto gradients = [&](int count_of_threads, int64_t n) {
    const int before = threads();
    set_threads(count_of_threads);
    std::vector<Tensor> g;
    for (int i = 0; i < 3; ++i) g.emplace_back(Shape{n, T, C}, DType::f32);
    attention_bwd({}, {gy.raw(), q.raw(), k.raw(), v.raw(), g[0].raw(), g[1].raw(), g[2].raw(), n, T, T, C, 3, 0.4, DType::f32});
    set_threads(before);
    return g;
  };
  const std::vector<Tensor> groups_of_one = gradients(1, 2), all_at_once = gradients(8, 2), first_sample = gradients(2, 1);
  for (int i = 0; i < 3; ++i) {
    CHECK(std::memcmp(groups_of_one[i].raw(), all_at_once[i].raw(), all_at_once[i].bytes()) == 0);
    CHECK(std::memcmp(groups_of_one[i].raw(), first_sample[i].raw(), first_sample[i].bytes()) == 0);
  }
}
