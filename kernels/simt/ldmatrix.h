// ldmatrix (sm_75) and stmatrix (sm_90): a warp moves 1, 2 or 4 matrices of 8 x 8 16-bit elements between shared memory and the
// registers in the layout that mma.sync uses. Lane 8 m + r gives the address of row r of matrix m (16 bytes, aligned to 16).
// Register m of lane l then holds elements (l / 4, 2 (l % 4)) and the next of matrix m; transposed: (2 (l % 4), l / 4) and the one below.
#pragma once
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

#ifdef __CUDACC__

template <int N, bool kTransposed = false>
__device__ __forceinline__ void ldmatrix(uint32_t (&r)[N], const void* row) {
  static_assert(N == 1 || N == 2 || N == 4);
  const unsigned address = unsigned(__cvta_generic_to_shared(row));
  if constexpr (N == 1 && !kTransposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");
  else if constexpr (N == 1)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");
  else if constexpr (N == 2 && !kTransposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];" : "=r"(r[0]), "=r"(r[1]) : "r"(address) : "memory");
  else if constexpr (N == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];" : "=r"(r[0]), "=r"(r[1]) : "r"(address) : "memory");
  else if constexpr (!kTransposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

template <int N>
__device__ __forceinline__ void stmatrix(void* row, const uint32_t (&r)[N]) {
  static_assert(N == 1 || N == 2 || N == 4);
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  const unsigned address = unsigned(__cvta_generic_to_shared(row));
  if constexpr (N == 1) asm volatile("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%0], {%1};" ::"r"(address), "r"(r[0]) : "memory");
  else if constexpr (N == 2)
    asm volatile("stmatrix.sync.aligned.m8n8.x2.shared.b16 [%0], {%1, %2};" ::"r"(address), "r"(r[0]), "r"(r[1]) : "memory");
  else
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};"
                 ::"r"(address), "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3]) : "memory");
#endif
}

#else

namespace detail {
template <int N>
struct MatrixCall : WarpCall {
  unsigned char* row;
  uint32_t r[N];
};
template <int N, bool kTransposed, bool kStore>
void move_matrices(WarpCall* const* lanes) {
  const auto call = [&](int lane) { return static_cast<MatrixCall<N>*>(lanes[lane]); };
  for (int m = 0; m < N; ++m)
    for (int l = 0; l < 32; ++l)
      for (int e = 0; e < 2; ++e) {
        const int row = kTransposed ? 2 * (l % 4) + e : l / 4, column = kTransposed ? l / 4 : 2 * (l % 4) + e;
        unsigned char* at = call(8 * m + row)->row + 2 * column;
        uint32_t& r = call(l)->r[m];
        uint16_t element = uint16_t(r >> (16 * e));
        if constexpr (kStore) std::memcpy(at, &element, 2);
        else {
          std::memcpy(&element, at, 2);
          r = (r & ~(0xffffu << (16 * e))) | uint32_t(element) << (16 * e);
        }
      }
}
}  // namespace detail

template <int N, bool kTransposed = false>
void ldmatrix(uint32_t (&r)[N], const void* row, const Site& site = Site::current()) {
  static_assert(N == 1 || N == 2 || N == 4);
  detail::MatrixCall<N> call{{0xffffffffu, detail::move_matrices<N, kTransposed, false>, "ldmatrix", site}, (unsigned char*)row, {}};
  if (simt::lane() < 8 * N) simt::shared_address(row, "ldmatrix", site), check_aligned(row, 16, "ldmatrix", site);
  simt::warp_collective(call);
  for (int m = 0; m < N; ++m) r[m] = call.r[m];
}
template <int N>
void stmatrix(void* row, const uint32_t (&r)[N], const Site& site = Site::current()) {
  static_assert(N == 1 || N == 2 || N == 4);
  detail::MatrixCall<N> call{{0xffffffffu, detail::move_matrices<N, false, true>, "stmatrix", site}, (unsigned char*)row, {}};
  for (int m = 0; m < N; ++m) call.r[m] = r[m];
  if (simt::lane() < 8 * N) simt::shared_address(row, "stmatrix", site), check_aligned(row, 16, "stmatrix", site);
  simt::warp_collective(call);
}

#endif

}  // namespace kintsugi::KIN_GPU_NAMESPACE
