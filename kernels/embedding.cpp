#include "kernels/embedding.h"

namespace kintsugi {
namespace cpu {
void embedding_ref(const Context&, const Embedding&);
void embedding_adjoint_ref(const Context&, const EmbeddingAdjoint&);
}  // namespace cpu

namespace {
const Row<Embedding> rows[] = {
    {"ref", DeviceKind::cpu, takes_all<Embedding>, cpu::embedding_ref, "one copy per row"},
};
const Row<EmbeddingAdjoint> adjoint_rows[] = {
    {"ref", DeviceKind::cpu, takes_all<EmbeddingAdjoint>, cpu::embedding_adjoint_ref, "rows added in order, threads share the columns"},
};
}  // namespace

const Family<Embedding> embedding_fwd{"embedding_fwd", "y_r = table[index_r]", rows};
const Family<EmbeddingAdjoint> embedding_adjoint_fwd{"embedding_adjoint_fwd", "gtable_k = sum over index_r = k of gy_r", adjoint_rows};

}  // namespace kintsugi
