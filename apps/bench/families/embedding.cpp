// Codes looked up for the generator, and the codebook's gradient, for 16 images.
#include "kernels/embedding.h"

#include <algorithm>

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// Rows read and written; of the table only what is asked for, but no more than all of it.
Cost forward_cost(const Embedding& a) {
  return {0, bytes_of(a.dtype, double((std::min(a.rows, a.entries) + a.rows) * a.width)) + 8 * double(a.rows)};
}
Cost adjoint_cost(const EmbeddingAdjoint& a) { return {double(a.rows * a.width), bytes_of(a.dtype, double((a.rows + a.entries) * a.width)) + 8 * double(a.rows)}; }

auto forward(int64_t rows, int64_t entries, int64_t width) {
  return [=](Arrays& x) { return Embedding{x.normal(entries * width), x.below<int64_t>(rows, entries), x.out(rows * width), rows, entries, width, x.dtype()}; };
}
auto adjoint(int64_t rows, int64_t entries, int64_t width) {
  return [=](Arrays& x) { return EmbeddingAdjoint{x.normal(rows * width), x.below<int64_t>(rows, entries), x.out(entries * width), rows, entries, width, x.dtype()}; };
}

const BenchRegistration fwd(embedding_fwd, forward_cost, {{"4096 of 1024x256", forward(4096, 1024, 256), emulated(forward(128, 64, 256))}});
const BenchRegistration bwd(embedding_adjoint_fwd, adjoint_cost, {{"4096 of 1024x256", adjoint(4096, 1024, 256), emulated(adjoint(128, 64, 256))}});

}  // namespace
}  // namespace kintsugi::bench
