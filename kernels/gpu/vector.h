// 16 bytes at a time: the widest load and store of one thread. A memory-bound kernel needs a quarter of the instructions and keeps
// four times the bytes in flight.
#pragma once
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

template <class T>
struct alignas(16) Vector {
  static constexpr int kWidth = 16 / int(sizeof(T));
  T at[kWidth];
};

template <class T>
__device__ __forceinline__ Vector<T> load_vector(const T* p) { return *reinterpret_cast<const Vector<T>*>(p); }
template <class T>
__device__ __forceinline__ void store_vector(T* p, const Vector<T>& v) { *reinterpret_cast<Vector<T>*>(p) = v; }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
