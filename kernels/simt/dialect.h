// The dialect of kernels/gpu as the C++ compiler sees it: CUDA's names, in namespace sim, over the emulator's runtime.
// Only what kernels use is here; a missing intrinsic is added in a few lines.
#pragma once
#include <math.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "kernels/base/error.h"
#include "kernels/simt/runtime.h"

// Functions of the emulator itself, whose accesses a watched build (kernels/simt/access.h) must not take for the kernel's.
#define KIN_SIM_UNWATCHED __attribute__((no_sanitize("thread")))

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#ifndef __restrict__
#define __restrict__ __restrict
#endif

#define KIN_SHARED(type, name, ...)          \
  typedef type name##_shared_type __VA_ARGS__; \
  name##_shared_type& name = ::kintsugi::sim::shared_variable<name##_shared_type>([] {}, #name)
#define KIN_DYNAMIC_SHARED(type, name) type* name = static_cast<type*>(::kintsugi::simt::dynamic_shared())

namespace kintsugi::sim {

using simt::Site;

struct uint3 { unsigned x, y, z; };
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3() = default;
  constexpr dim3(unsigned x_, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) double2 { double x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

// __thread and not thread_local: no wrapper function around each use.
extern __thread uint3 threadIdx, blockIdx;
extern __thread dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

struct Launch {
  dim3 grid, block;
  size_t shared = 0;
  void* stream = nullptr;
  unsigned cluster = 1;
};

template <class... P, class... A>
void launch(const Launch& l, void (*kernel)(P...), const A&... args) {
  static_assert(!(std::is_reference_v<P> || ...), "a kernel takes its parameters by value");
  if (l.grid.x == 0 || l.grid.y == 0 || l.grid.z == 0) return;
  const auto body = [kernel, ... values = static_cast<P>(args)]() KIN_SIM_UNWATCHED { kernel(values...); };
  const simt::Dim grid{l.grid.x, l.grid.y, l.grid.z}, block{l.block.x, l.block.y, l.block.z};
  const auto run = [body, grid, block, shared = l.shared, cluster = l.cluster] {
    simt::run_grid({grid, block, shared, cluster, {[](const void* closure) KIN_SIM_UNWATCHED { (*static_cast<decltype(body)*>(closure))(); }, &body}});
  };
  if (auto* recorder = simt::recorder()) (*recorder)(grid, block, l.shared, run);
  else run();
}

// One address per declaration: the lambda's type differs for each, and for each instantiation of a kernel template.
template <class T, class Declaration>
T& shared_variable(Declaration, const char* name, const Site& site = Site::current()) {
  static_assert(std::is_trivially_destructible_v<T>, "shared variables are neither constructed nor destroyed");
  static const char tag = 0;
  return *static_cast<T*>(simt::shared_array(&tag, sizeof(T), alignof(T), name, site));
}

inline void check_aligned(const void* p, size_t bytes, const char* name, const Site& site = Site::current()) {
  if (reinterpret_cast<uintptr_t>(p) % bytes) simt::fault(site, text(name, ": the address must be a multiple of ", bytes));
}

// Barriers.
inline void __syncthreads(const Site& site = Site::current()) { simt::barrier(0, 0, 0, "__syncthreads", site); }
inline int __syncthreads_count(int p, const Site& site = Site::current()) { return simt::barrier(0, 0, p != 0, "__syncthreads_count", site); }
inline int __syncthreads_or(int p, const Site& site = Site::current()) { return simt::barrier(0, 0, p != 0, "__syncthreads_or", site) != 0; }
inline int __syncthreads_and(int p, const Site& site = Site::current()) { return simt::barrier(0, 0, p == 0, "__syncthreads_and", site) == 0; }
// Fibers of one OS thread see each other's stores at once, and blocks meet only through atomics.
inline void __threadfence() {}
inline void __threadfence_block() {}

// Warp collectives.
namespace detail {
using simt::WarpCall;

template <class T>
struct ShuffleCall : WarpCall {
  T value, result;
  unsigned source;  // lane
};
template <class T>
void shuffle(WarpCall* const* lanes) {
  for (unsigned l = 0; l < 32; ++l) {
    if (!lanes[l]) continue;
    auto* call = static_cast<ShuffleCall<T>*>(lanes[l]);
    if (!lanes[call->source]) simt::fault(call->site, text(call->name, ": lane ", l, " reads lane ", call->source, ", which is not in the mask"));
    call->result = static_cast<ShuffleCall<T>*>(lanes[call->source])->value;
  }
}
template <class T>
T exchange(uint32_t mask, T value, unsigned source, const char* name, const Site& site) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8, "shuffles move 4 or 8 bytes");
  ShuffleCall<T> call{{mask, shuffle<T>, name, site}, value, value, source};
  simt::warp_collective(call);
  return call.result;
}

struct VoteCall : WarpCall {
  uint64_t value;
  uint32_t result;
};
template <class F>
uint32_t vote(uint32_t mask, uint64_t value, F, const char* name, const Site& site) {
  VoteCall call{{mask, [](WarpCall* const* lanes) { F{}(lanes); }, name, site}, value, 0};
  simt::warp_collective(call);
  return call.result;
}
struct Ballot {
  void operator()(WarpCall* const* lanes) const {
    uint32_t bits = 0;
    for (unsigned l = 0; l < 32; ++l) bits |= uint32_t(lanes[l] && static_cast<VoteCall*>(lanes[l])->value != 0) << l;
    for (unsigned l = 0; l < 32; ++l)
      if (lanes[l]) static_cast<VoteCall*>(lanes[l])->result = bits;
  }
};
struct Match {
  void operator()(WarpCall* const* lanes) const {
    for (unsigned l = 0; l < 32; ++l) {
      if (!lanes[l]) continue;
      auto* call = static_cast<VoteCall*>(lanes[l]);
      call->result = 0;
      for (unsigned k = 0; k < 32; ++k) call->result |= uint32_t(lanes[k] && static_cast<VoteCall*>(lanes[k])->value == call->value) << k;
    }
  }
};
inline unsigned segment(unsigned width) { return simt::lane() & ~(width - 1); }
}  // namespace detail

inline void __syncwarp(unsigned mask = 0xffffffffu, const Site& site = Site::current()) { detail::exchange(mask, 0, simt::lane(), "__syncwarp", site); }
template <class T>
T __shfl_sync(unsigned mask, T v, int source, int width = 32, const Site& site = Site::current()) {
  return detail::exchange(mask, v, detail::segment(width) + (unsigned(source) & (width - 1)), "__shfl_sync", site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = 32, const Site& site = Site::current()) {
  const unsigned me = simt::lane(), source = me ^ unsigned(lanes);
  return detail::exchange(mask, v, source >= detail::segment(width) + width ? me : source, "__shfl_xor_sync", site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32, const Site& site = Site::current()) {
  const unsigned me = simt::lane();
  return detail::exchange(mask, v, me + delta >= detail::segment(width) + width ? me : me + delta, "__shfl_down_sync", site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32, const Site& site = Site::current()) {
  const unsigned me = simt::lane();
  return detail::exchange(mask, v, me < detail::segment(width) + delta ? me : me - delta, "__shfl_up_sync", site);
}
inline unsigned __ballot_sync(unsigned mask, int p, const Site& site = Site::current()) { return detail::vote(mask, p != 0, detail::Ballot{}, "__ballot_sync", site); }
inline int __any_sync(unsigned mask, int p, const Site& site = Site::current()) { return detail::vote(mask, p != 0, detail::Ballot{}, "__any_sync", site) != 0; }
inline int __all_sync(unsigned mask, int p, const Site& site = Site::current()) { return detail::vote(mask, p == 0, detail::Ballot{}, "__all_sync", site) == 0; }
template <class T>
unsigned __match_any_sync(unsigned mask, T v, const Site& site = Site::current()) {
  uint64_t bits = 0;
  std::memcpy(&bits, &v, sizeof v);
  return detail::vote(mask, bits, detail::Match{}, "__match_any_sync", site);
}

// Atomics. Blocks may run on several OS threads, so these are real ones.
template <class T, class F>
T atomic_update(T* at, F&& f) {
  T old, next;
  __atomic_load(at, &old, __ATOMIC_RELAXED);
  do next = f(old);
  while (!__atomic_compare_exchange(at, &old, &next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return old;
}
template <class T> T atomicAdd(T* at, std::type_identity_t<T> v) { return atomic_update(at, [v](T old) { return T(old + v); }); }
template <class T> T atomicSub(T* at, std::type_identity_t<T> v) { return atomic_update(at, [v](T old) { return T(old - v); }); }
template <class T> T atomicMax(T* at, std::type_identity_t<T> v) { return atomic_update(at, [v](T old) { return old < v ? v : old; }); }
template <class T> T atomicMin(T* at, std::type_identity_t<T> v) { return atomic_update(at, [v](T old) { return v < old ? v : old; }); }
template <class T> T atomicAnd(T* at, std::type_identity_t<T> v) { return atomic_update(at, [v](T old) { return T(old & v); }); }
template <class T> T atomicOr(T* at, std::type_identity_t<T> v) { return atomic_update(at, [v](T old) { return T(old | v); }); }
template <class T> T atomicXor(T* at, std::type_identity_t<T> v) { return atomic_update(at, [v](T old) { return T(old ^ v); }); }
template <class T> T atomicExch(T* at, std::type_identity_t<T> v) { return atomic_update(at, [v](T) { return v; }); }
template <class T> T atomicCAS(T* at, std::type_identity_t<T> compare, std::type_identity_t<T> v) {
  return atomic_update(at, [=](T old) { return old == compare ? v : old; });
}

// Arithmetic that CUDA has and C does not. The fast variants (__expf, ...) are exact here: their error is a question for the device.
using std::max;
using std::min;
inline double sinpi(double x) { return ::sin(M_PI * remainder(x, 2.0)); }
inline double cospi(double x) { return ::cos(M_PI * remainder(x, 2.0)); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
inline int __float2int_rd(float x) { return int(floorf(x)); }
inline int __float2int_rn(float x) { return int(nearbyintf(x)); }
inline int __popc(unsigned v) { return std::popcount(v); }
inline int __clz(int v) { return std::countl_zero(unsigned(v)); }
inline int __ffs(int v) { return v ? std::countr_zero(unsigned(v)) + 1 : 0; }
inline unsigned __brev(unsigned v) {
  unsigned r = 0;
  for (int i = 0; i < 32; ++i) r |= (v >> i & 1) << (31 - i);
  return r;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline float __int_as_float(int v) { return std::bit_cast<float>(v); }
inline float __uint_as_float(unsigned v) { return std::bit_cast<float>(v); }
inline int __float_as_int(float v) { return std::bit_cast<int>(v); }
inline unsigned __float_as_uint(float v) { return std::bit_cast<unsigned>(v); }
template <class T> T __ldg(const T* p) { return *p; }

}  // namespace kintsugi::sim
