// Rows of a family's table that run on a GPU. Each is one function in kernels/gpu/*.cu, compiled twice: for the emulated GPU
// (namespace sim, always) and, where nvcc was found, for the real one (namespace cuda).
//
//   KIN_GPU_FUNCTION(softmax_fwd_naive, SoftmaxFwd);
//   const Row<SoftmaxFwd> rows[] = {
//       KIN_GPU_ROW("naive", f32_or_bf16<SoftmaxFwd>, softmax_fwd_naive, "one thread per row"),
//       {"fast", DeviceKind::cpu, ...
//   };
#pragma once
#include "kernels/table.h"

/// Declares the two compilations of `function`.
#define KIN_GPU_FUNCTION(function, Args)                      \
  namespace sim { void function(const Context&, const Args&); } \
  namespace cuda { void function(const Context&, const Args&); } \
  static_assert(true)

/// KIN_GPU_ROW(name, refuses, function, note[, deterministic]): the rows of `function`, without namespace, for sim and cuda.
#ifdef KIN_CUDA
#define KIN_GPU_ROW(name, refuses, function, ...)                     \
  {name, DeviceKind::cuda, refuses, cuda::function, __VA_ARGS__},     \
  {name, DeviceKind::sim, refuses, sim::function, __VA_ARGS__}
#else
#define KIN_GPU_ROW(name, refuses, function, ...) {name, DeviceKind::sim, refuses, sim::function, __VA_ARGS__}
#endif

namespace kintsugi {

/// A `refuses` for rows that read and write f32 or bf16 and compute in f32.
template <class Args>
const char* f32_or_bf16(const Args& args) {
  return args.dtype == DType::f32 || args.dtype == DType::bf16 ? nullptr : "needs f32 or bf16";
}

/// Whether 16-byte loads may start at every one of these pointers; null counts as yes.
template <class... P>
bool aligned16(const P*... p) {
  return ((reinterpret_cast<uintptr_t>(p) % 16 == 0) && ...);
}
inline constexpr const char* kNeedsAlignment = "needs pointers aligned to 16 bytes";

/// For rows on wgmma: null where the GPU has it (compute capability 9.0), or where there is no GPU and only sim can be meant.
const char* needs_hopper();

/// Whether a block may have this much shared memory on every GPU that answers; true where none does and only sim can be meant.
bool shared_memory_holds(size_t bytes);

}  // namespace kintsugi
