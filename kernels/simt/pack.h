// N neighbouring elements moved as one access of 4, 8 or 16 bytes, and their values in f32.
#pragma once
#include <cstring>

#include "kernels/base/dtype.h"
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  static_assert(sizeof(T) * N == 4 || sizeof(T) * N == 8 || sizeof(T) * N == 16, "an access moves 4, 8 or 16 bytes");
  T v[N];
  __host__ __device__ T& operator[](int i) { return v[i]; }
  __host__ __device__ const T& operator[](int i) const { return v[i]; }
};

/// Elements of T in the widest access, 16 bytes.
template <class T> inline constexpr int kPack = int(16 / sizeof(T));

namespace detail {
template <size_t kBytes> struct Word;
template <> struct Word<4> { using type = unsigned; };
template <> struct Word<8> { using type = uint2; };
template <> struct Word<16> { using type = uint4; };
}  // namespace detail

/// p must be a multiple of the access's size; the emulator reports one that is not.
template <int N, class T>
__device__ __forceinline__ Pack<T, N> load_pack(const T* p) {
#ifdef __CUDA_ARCH__
  using Word = typename detail::Word<sizeof(T) * N>::type;
  union { Word word; Pack<T, N> pack; } u{*reinterpret_cast<const Word*>(p)};
  return u.pack;
#else
  check_aligned(p, sizeof(T) * N, "load_pack");
  Pack<T, N> pack;
  std::memcpy(static_cast<void*>(&pack), p, sizeof pack);
  return pack;
#endif
}
template <int N, class T>
__device__ __forceinline__ void store_pack(T* p, const Pack<T, N>& pack) {
#ifdef __CUDA_ARCH__
  using Word = typename detail::Word<sizeof(T) * N>::type;
  *reinterpret_cast<Word*>(p) = *reinterpret_cast<const Word*>(pack.v);
#else
  check_aligned(p, sizeof(T) * N, "store_pack");
  std::memcpy(static_cast<void*>(p), &pack, sizeof pack);
#endif
}

/// Two bf16 in one register, the way tensor cores take them: `low` in the lower half.
__device__ __forceinline__ uint32_t packed_bf16(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
#else
  return uint32_t(bf16(low).bits) | uint32_t(bf16(high).bits) << 16;
#endif
}
__device__ __forceinline__ float low_bf16(uint32_t packed) { return __uint_as_float(packed << 16); }
__device__ __forceinline__ float high_bf16(uint32_t packed) { return __uint_as_float(packed & 0xffff0000u); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
