// Copies are exact; a row of the adjoint is a sum of as many f32 terms as its index has repeats.
#include "autograd/ops/embedding.h"

#include "kernels/base/philox.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

Tensor indices(const Shape& shape, int64_t limit) {
  Tensor t(shape, DType::i64);
  Philox random(6, "indices");
  for (int64_t& v : t.span<int64_t>()) v = random.below(uint32_t(limit));
  return t;
}

const OpCaseRegistration cases[] = {
    OpCaseRegistration({
        .op = "embedding", .families = {"embedding_fwd", "embedding_adjoint_fwd"},
        .samples = {{"repeats", {{5, 7}}, {}, {}, {4, 6}}, {"wide", {{9, 130}}, {}, {}, {2, 600}}, {"one", {{1, 1}}, {}, {}, {1, 1}}},
        .run = [](const Vars& x, const Sample& s) { return embedding(x[0], indices({s.ints[0], s.ints[1]}, x[0].dim(0)).to(x[0].value().device())); }, .gradgrad = true,
        .errors = {{"range", [] { embedding(Tensor::zeros({3, 2}), Tensor::full({1}, -1, DType::i64)); }, {"embedding: indices must lie in [0, 3)", "-1"}}}}),
    OpCaseRegistration({
        .op = "embedding_adjoint", .families = {"embedding_fwd", "embedding_adjoint_fwd"}, .samples = {{"repeats", {{4, 6, 7}}}},
        .run = [](const Vars& x, const Sample&) { return embedding_adjoint(x[0], indices({4, 6}, 5).to(x[0].value().device()), 5); }, .gradgrad = true}),
};

}  // namespace
