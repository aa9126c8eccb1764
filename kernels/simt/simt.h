// The CUDA dialect of kernels/gpu/*.cu: include this first. Each such file is compiled by nvcc into namespace cuda and by the C++
// compiler into namespace sim, where every CUDA thread is a fiber (kernels/simt/emulator.h). A file looks like this:
//
//   #include "kernels/simt/simt.h"
//   namespace kintsugi::KIN_GPU_NAMESPACE {
//   namespace {
//   template <class T, int kThreads>
//   __global__ void __launch_bounds__(kThreads) scale_kernel(const T* x, T* y, int64_t n, float a) { ... }
//   }  // namespace
//   void scale_naive(const Context& context, const Scale& a) {
//     launch({blocks_for(a.n, 256), 256, 0, context.stream}, scale_kernel<float, 256>, x, y, a.n, a.a);
//   }
//   }  // namespace kintsugi::KIN_GPU_NAMESPACE
//
// It is CUDA C++ but for four things: launch(...) instead of <<< >>>; KIN_SHARED and KIN_DYNAMIC_SHARED instead of __shared__; no
// inline PTX (the headers beside this one wrap it and give each instruction a plain twin); no cooperative groups. docs/simt.md has
// what the emulator catches and what it cannot.
#pragma once
#include <cstdint>

#include "kernels/base/error.h"

#ifdef __CUDACC__
#define KIN_GPU_NAMESPACE cuda
#include "kernels/simt/cuda_dialect.h"
#else
#define KIN_GPU_NAMESPACE sim
#include "kernels/simt/dialect.h"
#endif

namespace kintsugi::KIN_GPU_NAMESPACE {

/// Blocks of `per_block` that cover n elements.
inline unsigned blocks_for(int64_t n, int64_t per_block) { return unsigned((n + per_block - 1) / per_block); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
