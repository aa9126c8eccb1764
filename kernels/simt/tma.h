// TMA (sm_90): the copy engine moves boxes of a tensor of up to five axes between global and shared memory; elements outside the
// tensor read as zero and are not written, which is a convolution's padding. A TensorMap describes the tensor and the box; make it on
// the host, pass it to the kernel as `const __grid_constant__ TensorMap map`. One thread issues; an mbarrier counts the bytes.
// Axis 0 is the fastest. With a swizzle, a box's row (box[0] elements) must be exactly its span; see kernels/simt/swizzle.h.
#pragma once
#include "kernels/base/dtype.h"
#include "kernels/simt/mbarrier.h"
#include "kernels/simt/simt.h"
#include "kernels/simt/swizzle.h"

#ifdef __CUDACC__
#include <cuda.h>
#endif

namespace kintsugi::KIN_GPU_NAMESPACE {

/// What a box is cut from. sizes and box in elements; pitch[i] is the distance in bytes between neighbours on axis i + 1 and a multiple of
/// 16; step[i] > 1 takes every step-th element of axis i (i >= 1), box then counts the elements walked over.
struct BoxShape {
  int rank = 0;
  uint64_t sizes[5] = {}, pitch[4] = {};
  uint32_t box[5] = {}, step[5] = {1, 1, 1, 1, 1};
  /// Elements of one box in shared memory.
  constexpr uint32_t elements() const {
    uint32_t n = 1;
    for (int i = 0; i < rank; ++i) n *= (box[i] + step[i] - 1) / step[i];
    return n;
  }
};

inline void check_box(const void* base, DType dtype, const BoxShape& s, Swizzle swizzle) {
  KIN_CHECK(dtype == DType::f32 || dtype == DType::bf16, "tensor map: dtype must be f32 or bf16, got ", dtype);
  KIN_CHECK(s.rank >= 1 && s.rank <= 5, "tensor map: rank must be 1 to 5, got ", s.rank);
  KIN_CHECK(reinterpret_cast<uintptr_t>(base) % 16 == 0, "tensor map: the tensor must begin at a multiple of 16");
  for (int i = 0; i < s.rank; ++i) {
    KIN_CHECK(s.sizes[i] >= 1 && s.sizes[i] <= (uint64_t(1) << 32), "tensor map: size of axis ", i, " must be 1 to 2^32, got ", s.sizes[i]);
    KIN_CHECK(s.box[i] >= 1 && s.box[i] <= 256, "tensor map: the box must have 1 to 256 elements along axis ", i, ", got ", s.box[i]);
    KIN_CHECK(s.step[i] >= 1 && s.step[i] <= 8, "tensor map: step of axis ", i, " must be 1 to 8, got ", s.step[i]);
    if (i > 0)
      KIN_CHECK(s.pitch[i - 1] % 16 == 0 && s.pitch[i - 1] < (uint64_t(1) << 40), "tensor map: pitch of axis ", i,
                " must be a multiple of 16 bytes, got ", s.pitch[i - 1]);
  }
  KIN_CHECK(s.step[0] == 1, "tensor map: step of axis 0 must be 1, got ", s.step[0]);
  const uint32_t row = s.box[0] * uint32_t(size_of(dtype));
  if (swizzle == Swizzle::none) KIN_CHECK(row % 16 == 0, "tensor map: a box row must be a multiple of 16 bytes, got ", row);
  else KIN_CHECK(row == span_of(swizzle), "tensor map: a box row must be ", span_of(swizzle), " bytes for this swizzle, got ", row);
}

#ifdef __CUDACC__

using TensorMap = CUtensorMap;

/// Throws Error when the shape breaks a rule above or the driver refuses it.
inline TensorMap make_tensor_map(const void* base, DType dtype, const BoxShape& s, Swizzle swizzle) {
  check_box(base, dtype, s, swizzle);
  using Encode = decltype(&cuTensorMapEncodeTiled);
  static const Encode encode = [] {  // from the driver, so that nothing links against libcuda
    void* f = nullptr;
    cudaDriverEntryPointQueryResult found;
    const cudaError_t e = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &f, 12000, cudaEnableDefault, &found);
    KIN_CHECK(e == cudaSuccess && f, "tensor map: the driver has no cuTensorMapEncodeTiled (needs 12.0)");
    return reinterpret_cast<Encode>(f);
  }();
  constexpr CUtensorMapSwizzle swizzles[] = {CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_SWIZZLE_32B, CU_TENSOR_MAP_SWIZZLE_64B, CU_TENSOR_MAP_SWIZZLE_128B};
  TensorMap map;
  const CUresult r = encode(&map, dtype == DType::bf16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT32, cuuint32_t(s.rank),
                            const_cast<void*>(base), s.sizes, s.pitch, s.box, s.step, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzles[int(swizzle)],
                            CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  KIN_CHECK(r == CUDA_SUCCESS, "tensor map: the driver refused it (CUresult ", int(r), ")");
  return map;
}

__device__ __forceinline__ void tma_prefetch(const TensorMap& map) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
#endif
}
/// The box whose first element is (at...), axis 0 first, to shared memory (aligned to 128, swizzled: 8 * span). Its bytes, those outside
/// the tensor included, land on `barrier`. As many coordinates as the map has axes.
template <class... At>
__device__ __forceinline__ void tma_load(void* to, const TensorMap& map, MBarrier* barrier, At... at) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  static_assert(sizeof...(At) >= 1 && sizeof...(At) <= 5);
  const int c[5] = {int(at)...};
  const unsigned address = shared_address(to), b = shared_address(barrier);
  if constexpr (sizeof...(At) == 1)
    asm volatile("cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3}], [%2];"
                 ::"r"(address), "l"(&map), "r"(b), "r"(c[0]) : "memory");
  else if constexpr (sizeof...(At) == 2)
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];"
                 ::"r"(address), "l"(&map), "r"(b), "r"(c[0]), "r"(c[1]) : "memory");
  else if constexpr (sizeof...(At) == 3)
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];"
                 ::"r"(address), "l"(&map), "r"(b), "r"(c[0]), "r"(c[1]), "r"(c[2]) : "memory");
  else if constexpr (sizeof...(At) == 4)
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];"
                 ::"r"(address), "l"(&map), "r"(b), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]) : "memory");
  else
    asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6, %7}], [%2];"
                 ::"r"(address), "l"(&map), "r"(b), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]), "r"(c[4]) : "memory");
#endif
}
/// tma_load into the same place of every block of the cluster whose bit is set in `blocks`; the bytes land on the barrier in the same place there.
template <class... At>
__device__ __forceinline__ void tma_load_multicast(void* to, const TensorMap& map, MBarrier* barrier, unsigned blocks, At... at) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  static_assert(sizeof...(At) == 3, "more when somebody needs them");
  const int c[3] = {int(at)...};
  asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%3, %4, %5}], [%2], %6;"
               ::"r"(shared_address(to)), "l"(&map), "r"(shared_address(barrier)), "r"(c[0]), "r"(c[1]), "r"(c[2]), "h"((unsigned short)blocks) : "memory");
#endif
}
/// A box from shared memory to the tensor. Stores to shared memory before it need fence_proxy_async and a barrier.
template <class... At>
__device__ __forceinline__ void tma_store(const TensorMap& map, const void* from, At... at) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  static_assert(sizeof...(At) >= 1 && sizeof...(At) <= 5);
  const int c[5] = {int(at)...};
  const unsigned address = shared_address(from);
  if constexpr (sizeof...(At) == 1)
    asm volatile("cp.async.bulk.tensor.1d.global.shared::cta.tile.bulk_group [%0, {%2}], [%1];" ::"l"(&map), "r"(address), "r"(c[0]) : "memory");
  else if constexpr (sizeof...(At) == 2)
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];"
                 ::"l"(&map), "r"(address), "r"(c[0]), "r"(c[1]) : "memory");
  else if constexpr (sizeof...(At) == 3)
    asm volatile("cp.async.bulk.tensor.3d.global.shared::cta.tile.bulk_group [%0, {%2, %3, %4}], [%1];"
                 ::"l"(&map), "r"(address), "r"(c[0]), "r"(c[1]), "r"(c[2]) : "memory");
  else if constexpr (sizeof...(At) == 4)
    asm volatile("cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [%0, {%2, %3, %4, %5}], [%1];"
                 ::"l"(&map), "r"(address), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]) : "memory");
  else
    asm volatile("cp.async.bulk.tensor.5d.global.shared::cta.tile.bulk_group [%0, {%2, %3, %4, %5, %6}], [%1];"
                 ::"l"(&map), "r"(address), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]), "r"(c[4]) : "memory");
#endif
}
__device__ __forceinline__ void tma_store_commit() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
#endif
}
/// Waits until all but the newest kNewest groups of this thread's stores have read their shared memory. Needed before the block ends.
template <int kNewest>
__device__ __forceinline__ void tma_store_wait() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kNewest) : "memory");
#endif
}

#else

struct TensorMap {
  char* base = nullptr;
  uint32_t element = 0;  // bytes
  BoxShape shape;
  Swizzle swizzle = Swizzle::none;
};

inline TensorMap make_tensor_map(const void* base, DType dtype, const BoxShape& s, Swizzle swizzle) {
  check_box(base, dtype, s, swizzle);
  return {static_cast<char*>(const_cast<void*>(base)), uint32_t(size_of(dtype)), s, swizzle};
}

namespace detail {
// Calls move(shared address, address in the tensor or null) for each element of the box that begins at `at`.
template <class F>
void for_each_element(const TensorMap& m, uint32_t shared, const int (&at)[5], F&& move) {
  const BoxShape& s = m.shape;
  uint32_t count[5];
  for (int i = 0; i < 5; ++i) count[i] = i < s.rank ? (s.box[i] + s.step[i] - 1) / s.step[i] : 1;
  for (uint32_t n = 0; n < s.elements(); ++n) {
    uint32_t rest = n;
    bool inside = true;
    int64_t offset = 0;
    for (int i = 0; i < s.rank; ++i) {
      const int64_t c = at[i] + int64_t(rest % count[i]) * s.step[i];
      rest /= count[i];
      inside &= c >= 0 && uint64_t(c) < s.sizes[i];
      offset += c * (i == 0 ? int64_t(m.element) : int64_t(s.pitch[i - 1]));
    }
    move(simt::shared_pointer(swizzled(shared + n * m.element, m.swizzle)), inside ? m.base + offset : nullptr);
  }
}
inline void check_tile(const TensorMap& m, const void* tile, size_t axes, const char* name, const Site& site) {
  const uint32_t shared = simt::shared_address(tile, name, site), multiple = m.swizzle == Swizzle::none ? 128 : 8 * span_of(m.swizzle);
  if (shared % multiple) simt::fault(site, text(name, ": the tile must begin at a multiple of ", multiple, " in shared memory"));
  if (int(axes) != m.shape.rank) simt::fault(site, text(name, ": the map has ", m.shape.rank, " axes, got ", axes, " coordinates"));
}
struct BoxAt {
  int c[5];
};
// An argument that remembers the line of the call, where coordinates leave no room for a default argument.
template <class T>
struct Called {
  T* p;
  Site site;
  Called(T* pointer, const Site& s = Site::current()) : p(pointer), site(s) {}
};
}  // namespace detail

inline void tma_prefetch(const TensorMap&) {}
namespace detail {
// Puts the box there and tells the barrier; both in the running block.
inline void land_box(const TensorMap& map, uint32_t shared, uint32_t barrier, const BoxAt& at, const Site& site) {
  for_each_element(map, shared, at.c, [&](char* tile, const char* tensor) {
    if (tensor) std::memcpy(tile, tensor, map.element);
    else std::memset(tile, 0, map.element);
    simt::hardware_wrote(tile, map.element);
  });
  mbarrier_landed(reinterpret_cast<MBarrier*>(simt::shared_pointer(barrier)), map.shape.elements() * map.element, site);
}
}  // namespace detail
template <class... At>
void tma_load_multicast(void* to, const TensorMap& map, detail::Called<MBarrier> called, unsigned blocks, At... coordinates) {
  const Site site = called.site;
  detail::check_tile(map, to, sizeof...(At), "tma_load", site);
  detail::MBarrierState::of(called.p, "tma_load", site);
  const detail::BoxAt at{{int(coordinates)...}};
  const uint32_t shared = simt::shared_address(to, "tma_load", site), barrier = simt::shared_address(called.p, "tma_load", site);
  for (unsigned rank = 0; blocks >> rank; ++rank)  // each block's copy lands when it will
    if (blocks >> rank & 1)
      simt::async_issue([=] { simt::in_cluster_block(rank, barrier, "tma_load", site, [&] { detail::land_box(map, shared, barrier, at, site); }); }, "tma_load", site);
}
template <class... At>
void tma_load(void* to, const TensorMap& map, detail::Called<MBarrier> called, At... coordinates) {
  tma_load_multicast(to, map, called, 1u << simt::cluster_rank(), coordinates...);
}
template <class... At>
void tma_store(const TensorMap& map, detail::Called<const void> called, At... coordinates) {
  const Site site = called.site;
  const void* from = called.p;
  detail::check_tile(map, from, sizeof...(At), "tma_store", site);
  const detail::BoxAt at{{int(coordinates)...}};
  const uint32_t shared = simt::shared_address(from, "tma_store", site);
  simt::async_issue(simt::AsyncQueue::stores, [=] {
    detail::for_each_element(map, shared, at.c, [&](const char* tile, char* tensor) {
      if (tensor) std::memcpy(tensor, tile, map.element);
    });
  });
}
inline void tma_store_commit() { simt::async_commit(simt::AsyncQueue::stores); }
template <int kNewest>
void tma_store_wait() { simt::async_wait(simt::AsyncQueue::stores, kNewest); }

#endif

}  // namespace kintsugi::KIN_GPU_NAMESPACE
