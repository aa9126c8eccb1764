// The dialect of kernels/gpu as nvcc sees it: CUDA itself, launch() and the two macros for shared memory.
#pragma once
#include <cuda_runtime.h>

#include <type_traits>

#include "kernels/base/error.h"

/// KIN_SHARED(float, tile, [16][17]); declares a shared array; KIN_SHARED(int, flag); a single variable.
#define KIN_SHARED(type, name, ...) __shared__ type name __VA_ARGS__
/// KIN_DYNAMIC_SHARED(float, buffer); names the launch's dynamic shared memory, aligned to 1024 bytes.
#define KIN_DYNAMIC_SHARED(type, name)                                  \
  extern __shared__ __align__(1024) unsigned char kin_dynamic_shared[]; \
  type* name = reinterpret_cast<type*>(kin_dynamic_shared)

namespace kintsugi::cuda {

struct Launch {
  dim3 grid, block;
  size_t shared = 0;
  void* stream = nullptr;  // cudaStream_t
  unsigned cluster = 1;    // neighbouring blocks along x that run at the same time (sm_90; kernels/simt/cluster_sync.h)
};

/// Starts kernel(args...) on the stream. A grid with an empty axis is no launch. Throws Error when the device refuses the launch.
template <class... P, class... A>
void launch(const Launch& l, void (*kernel)(P...), const A&... args) {
  static_assert(!(std::is_reference_v<P> || ...), "a kernel takes its parameters by value");
  if (l.grid.x == 0 || l.grid.y == 0 || l.grid.z == 0) return;
  cudaError_t e = cudaSuccess;
  if (l.shared > 48 * 1024)  // more than that has to be asked for
    e = cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, int(l.shared));
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {l.cluster, 1, 1};
  cudaLaunchConfig_t config{l.grid, l.block, l.shared, static_cast<cudaStream_t>(l.stream), &cluster, l.cluster > 1};
  if (e == cudaSuccess) e = cudaLaunchKernelEx(&config, kernel, static_cast<P>(args)...);
  if (e != cudaSuccess) cudaGetLastError();  // told below: nobody else shall find it
  KIN_CHECK(e == cudaSuccess, "launch: ", cudaGetErrorString(e), " (grid ", l.grid.x, ',', l.grid.y, ',', l.grid.z, ", block ", l.block.x, ',',
            l.block.y, ',', l.block.z, ", clusters of ", l.cluster, ", ", l.shared, " bytes of dynamic shared memory)");
}

}  // namespace kintsugi::cuda
