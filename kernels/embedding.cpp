#include "kernels/embedding.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void embedding_ref(const Context&, const Embedding&);
void embedding_adjoint_ref(const Context&, const EmbeddingAdjoint&);
}  // namespace cpu
KIN_GPU_FUNCTION(embedding_naive, Embedding);
KIN_GPU_FUNCTION(embedding_adjoint_naive, EmbeddingAdjoint);
KIN_GPU_FUNCTION(embedding_adjoint_block, EmbeddingAdjoint);

namespace {
const Row<Embedding> rows[] = {
    KIN_GPU_ROW("naive", f32_or_bf16<Embedding>, embedding_naive, "one thread per element"),
    {"ref", DeviceKind::cpu, takes_all<Embedding>, cpu::embedding_ref, "one copy per row"},
};
const Row<EmbeddingAdjoint> adjoint_rows[] = {
    KIN_GPU_ROW("block", f32_or_bf16<EmbeddingAdjoint>, embedding_adjoint_block, "one block per entry, 32 indices looked at together, hits added in order"),
    KIN_GPU_ROW("naive", f32_or_bf16<EmbeddingAdjoint>, embedding_adjoint_naive, "one thread per element reads every index"),
    {"ref", DeviceKind::cpu, takes_all<EmbeddingAdjoint>, cpu::embedding_adjoint_ref, "rows added in order, threads share the columns"},
};
}  // namespace

const Family<Embedding> embedding_fwd{"embedding_fwd", "y_r = table[index_r]", rows};
const Family<EmbeddingAdjoint> embedding_adjoint_fwd{"embedding_adjoint_fwd", "gtable_k = sum over index_r = k of gy_r", adjoint_rows};

}  // namespace kintsugi
