// wgmma (sm_90a): a warpgroup (four warps, the first a multiple of four) multiplies tiles on the tensor cores, D += A B with f32 sums.
// A is 64 x K, B is K x N; K is 16 for bf16 and 8 for tf32. B is read from shared memory, A from there or from registers, through
// descriptors. The product lands some time before the wait that asks for it; until then D may not be touched.
//
//   wgmma_fence();                                   // before the first product, and after D was touched
//   for (k...) wgmma_bf16<128>(d, a_tile, b_tile);
//   wgmma_commit();
//   wgmma_wait<0>(d);
//
// D: thread t of the warpgroup, lane l, holds d[4 j + 2 h + e] = D(16 (t / 32) + l / 4 + 8 h, 8 j + 2 (l % 4) + e).
// A in registers: as mma_bf16's A, for rows 16 (t / 32) and on.
#pragma once
#include "kernels/simt/simt.h"
#include "kernels/simt/swizzle.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

/// How a tile's k axis lies in shared memory.
enum class Major : uint8_t {
  k,   // rows of the tile are contiguous along k, as A [M][K] and B [N][K]
  mn,  // along m or n, as A [K][M] and B [K][N]; bf16 only
};

/// The 64 bits that tell wgmma where a tile is (PTX ISA, "Matrix descriptor format").
struct TileDescriptor {
  uint64_t bits;
};

constexpr TileDescriptor tile_descriptor(uint32_t address, uint32_t leading, uint32_t stride, Swizzle swizzle) {
  constexpr uint64_t layouts[] = {0, 3, 2, 1};  // none, 32, 64, 128 bytes
  return {uint64_t((address & 0x3ffff) >> 4) | uint64_t((leading & 0x3ffff) >> 4) << 16 | uint64_t((stride & 0x3ffff) >> 4) << 32 |
          layouts[int(swizzle)] << 62};
}

// Distances a descriptor carries, for tiles as TMA writes them with a swizzle (rows of exactly one span, begun at multiples of 8 spans):
//   Major::k    `stride` = from 8 rows to the next 8 rows: 8 spans where rows follow each other; `leading` unused. A step along k
//               inside the span is a step of the address.
//   Major::mn   a span is 64 (128 B), 32 or 16 elements of m or n; `stride` = from 8 values of k to the next 8; `leading` = from one span of m
//               or n to the next.
// Without swizzle (Major::k): 8 x 16-byte core matrices; `leading` = to the next along k, `stride` = to the next 8 rows.

#ifdef __CUDACC__

__device__ __forceinline__ TileDescriptor describe_tile(const void* tile, uint32_t leading, uint32_t stride, Swizzle swizzle) {
  return tile_descriptor(uint32_t(__cvta_generic_to_shared(tile)), leading, stride, swizzle);
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900 && defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define KIN_WGMMA 1
#endif

__device__ __forceinline__ void wgmma_fence() {
#ifdef KIN_WGMMA
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
__device__ __forceinline__ void wgmma_commit() {
#ifdef KIN_WGMMA
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
/// Waits until all but the newest kNewest groups have landed. Naming the sums keeps the compiler from reading them earlier.
template <int kNewest, int R>
__device__ __forceinline__ void wgmma_wait(float (&d)[R]) {
#ifdef KIN_WGMMA
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kNewest) : "memory");
#pragma unroll
  for (int i = 0; i < R; ++i) asm volatile("" : "+f"(d[i])::"memory");
#endif
}
/// Registers per thread of this warpgroup from now on (multiples of 8 from 24 to 256); by all its threads.
template <int kRegisters> __device__ __forceinline__ void more_registers() {
#ifdef KIN_WGMMA
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}
template <int kRegisters> __device__ __forceinline__ void fewer_registers() {
#ifdef KIN_WGMMA
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}

#ifdef KIN_WGMMA

// The instruction wants each register by name: %0 ... %{N/2 - 1} are the sums, then come the operands.
#define KIN_DIGITS(t) "%" #t "0, %" #t "1, %" #t "2, %" #t "3, %" #t "4, %" #t "5, %" #t "6, %" #t "7, %" #t "8, %" #t "9, "
#define KIN_FIRST10 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, "
#define KIN_NAMES16 KIN_FIRST10 "%10, %11, %12, %13, %14, %15"
#define KIN_NAMES32 KIN_FIRST10 KIN_DIGITS(1) KIN_DIGITS(2) "%30, %31"
#define KIN_NAMES48 KIN_FIRST10 KIN_DIGITS(1) KIN_DIGITS(2) KIN_DIGITS(3) "%40, %41, %42, %43, %44, %45, %46, %47"
#define KIN_NAMES64 KIN_FIRST10 KIN_DIGITS(1) KIN_DIGITS(2) KIN_DIGITS(3) KIN_DIGITS(4) KIN_DIGITS(5) "%60, %61, %62, %63"
#define KIN_NAMES96 \
  KIN_FIRST10 KIN_DIGITS(1) KIN_DIGITS(2) KIN_DIGITS(3) KIN_DIGITS(4) KIN_DIGITS(5) KIN_DIGITS(6) KIN_DIGITS(7) KIN_DIGITS(8) "%90, %91, %92, %93, %94, %95"
#define KIN_NAMES128                                                                                                                      \
  KIN_FIRST10 KIN_DIGITS(1) KIN_DIGITS(2) KIN_DIGITS(3) KIN_DIGITS(4) KIN_DIGITS(5) KIN_DIGITS(6) KIN_DIGITS(7) KIN_DIGITS(8) KIN_DIGITS(9) \
  KIN_DIGITS(10) KIN_DIGITS(11) "%120, %121, %122, %123, %124, %125, %126, %127"
#define KIN_SUMS8(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define KIN_SUMS16(i) KIN_SUMS8(i), KIN_SUMS8(i + 8)
#define KIN_SUMS32(i) KIN_SUMS16(i), KIN_SUMS16(i + 16)
#define KIN_SUMS48(i) KIN_SUMS32(i), KIN_SUMS16(i + 32)
#define KIN_SUMS64(i) KIN_SUMS32(i), KIN_SUMS32(i + 32)
#define KIN_SUMS96(i) KIN_SUMS64(i), KIN_SUMS32(i + 64)
#define KIN_SUMS128(i) KIN_SUMS64(i), KIN_SUMS64(i + 64)

// One size: operands follow the sums, P0 the first.
#define KIN_WGMMA_SIZE(N, R, P0, P1, P2, P3, P4, P5, P6)                                                                            \
  template <>                                                                                                                       \
  struct Wgmma<N> {                                                                                                                 \
    template <int kA, int kB>                                                                                                       \
    static __device__ __forceinline__ void bf16(float (&d)[R], uint64_t a, uint64_t b, int add) {                                   \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " P2 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #N                              \
                   "k16.f32.bf16.bf16 {" KIN_NAMES##R "}, " P0 ", " P1 ", p, 1, 1, " P3 ", " P4 ";\n}"                               \
                   : KIN_SUMS##R(0) : "l"(a), "l"(b), "r"(add), "n"(kA), "n"(kB) : "memory");                                       \
    }                                                                                                                               \
    template <int kB>                                                                                                               \
    static __device__ __forceinline__ void bf16(float (&d)[R], const uint32_t (&a)[4], uint64_t b, int add) {                       \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " P5 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #N                              \
                   "k16.f32.bf16.bf16 {" KIN_NAMES##R "}, {" P0 ", " P1 ", " P2 ", " P3 "}, " P4 ", p, 1, 1, " P6 ";\n}"             \
                   : KIN_SUMS##R(0) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(kB) : "memory");            \
    }                                                                                                                               \
    static __device__ __forceinline__ void tf32(float (&d)[R], uint64_t a, uint64_t b, int add) {                                   \
      asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " P2 ", 0;\nwgmma.mma_async.sync.aligned.m64n" #N                              \
                   "k8.f32.tf32.tf32 {" KIN_NAMES##R "}, " P0 ", " P1 ", p, 1, 1;\n}"                                                \
                   : KIN_SUMS##R(0) : "l"(a), "l"(b), "r"(add) : "memory");                                                         \
    }                                                                                                                               \
  }
template <int kN> struct Wgmma;
KIN_WGMMA_SIZE(32, 16, "%16", "%17", "%18", "%19", "%20", "%21", "%22");
KIN_WGMMA_SIZE(64, 32, "%32", "%33", "%34", "%35", "%36", "%37", "%38");
KIN_WGMMA_SIZE(96, 48, "%48", "%49", "%50", "%51", "%52", "%53", "%54");
KIN_WGMMA_SIZE(128, 64, "%64", "%65", "%66", "%67", "%68", "%69", "%70");
KIN_WGMMA_SIZE(192, 96, "%96", "%97", "%98", "%99", "%100", "%101", "%102");
KIN_WGMMA_SIZE(256, 128, "%128", "%129", "%130", "%131", "%132", "%133", "%134");

#endif  // KIN_WGMMA

/// D += A B (D = A B where not `add`), A 64 x 16 and B 16 x kN in shared memory; kN is 32, 64, 96, 128, 192 or 256.
template <int kN, Major kA = Major::k, Major kB = Major::k>
__device__ __forceinline__ void wgmma_bf16(float (&d)[kN / 2], TileDescriptor a, TileDescriptor b, bool add = true) {
#ifdef KIN_WGMMA
  Wgmma<kN>::template bf16<int(kA), int(kB)>(d, a.bits, b.bits, add);
#endif
}
/// A in registers; they may not change before the wait.
template <int kN, Major kB = Major::k>
__device__ __forceinline__ void wgmma_bf16(float (&d)[kN / 2], const uint32_t (&a)[4], TileDescriptor b, bool add = true) {
#ifdef KIN_WGMMA
  Wgmma<kN>::template bf16<int(kB)>(d, a, b.bits, add);
#endif
}
/// A 64 x 8 and B 8 x kN, both along k; f32 bits whose lower 13 are cut off.
template <int kN>
__device__ __forceinline__ void wgmma_tf32(float (&d)[kN / 2], TileDescriptor a, TileDescriptor b, bool add = true) {
#ifdef KIN_WGMMA
  Wgmma<kN>::tf32(d, a.bits, b.bits, add);
#endif
}

#else

inline TileDescriptor describe_tile(const void* tile, uint32_t leading, uint32_t stride, Swizzle swizzle, const Site& site = Site::current()) {
  check_aligned(tile, 16, "describe_tile", site);
  return tile_descriptor(simt::shared_address(tile, "describe_tile", site), leading, stride, swizzle);
}

namespace detail {
// The value at (row, k) of a tile; row counts m or n.
template <class T>
float tile_value(TileDescriptor tile, Major major, uint32_t row, uint32_t k) {
  constexpr Swizzle swizzles[] = {Swizzle::none, Swizzle::b128, Swizzle::b64, Swizzle::b32};
  const Swizzle swizzle = swizzles[tile.bits >> 62];
  const auto bytes = [&](int shift) { return uint32_t(tile.bits >> shift & 0x3fff) << 4; };
  const uint32_t begin = bytes(0), leading = bytes(16), stride = bytes(32), span = span_of(swizzle), e = sizeof(T);
  uint32_t at = begin;
  if (major == Major::mn) at += row / (span / e) * leading + k / 8 * stride + k % 8 * span + row % (span / e) * e;
  else if (swizzle == Swizzle::none) at += row / 8 * stride + k * e / 16 * leading + row % 8 * 16 + k * e % 16;
  else at += row / 8 * stride + row % 8 * span + k * e;
  T v;
  std::memcpy(&v, simt::shared_pointer(swizzled(at, swizzle)), e);
  if constexpr (e == 2) return std::bit_cast<float>(uint32_t(v) << 16);
  else return std::bit_cast<float>(v & 0xffffe000u);
}

struct Product {
  float* d;
  int columns;
  bool add;
  TileDescriptor b;
  Major b_major;
  bool a_in_registers;
  float a_rows[2][16];  // rows l / 4 and l / 4 + 8 of the warp's part, where A is in registers
  TileDescriptor a;
  Major a_major;
};

// The rows of A that a lane multiplies, from the registers of the four lanes that hold them.
struct RowsCall : WarpCall {
  uint32_t a[4];
  float rows[2][16];
};
inline void gather_rows(WarpCall* const* lanes) {
  for (int l = 0; l < 32; ++l)
    for (int h = 0; h < 2; ++h)
      for (int k = 0; k < 16; ++k) {
        const uint32_t pair = static_cast<RowsCall*>(lanes[l / 4 * 4 + k % 8 / 2])->a[h + 2 * (k / 8)];
        static_cast<RowsCall*>(lanes[l])->rows[h][k] = std::bit_cast<float>(k % 2 ? pair & 0xffff0000u : pair << 16);
      }
}

// This thread's part of the product. K = 16: bf16, T = uint16_t; K = 8: tf32, T = uint32_t.
template <class T, int kDepth>
void multiply_tiles_of_warpgroup(const Product& p, unsigned thread) {
  const unsigned warp = thread / 32 % 4, g = thread % 32 / 4, t = thread % 4;
  for (unsigned h = 0; h < 2; ++h) {
    float a[kDepth];
    for (unsigned k = 0; k < kDepth; ++k)
      a[k] = p.a_in_registers ? p.a_rows[h][k] : tile_value<T>(p.a, p.a_major, 16 * warp + g + 8 * h, k);
    for (int j = 0; j < p.columns / 8; ++j)
      for (unsigned e = 0; e < 2; ++e) {
        float& d = p.d[4 * j + 2 * int(h) + int(e)];
        double sum = p.add ? d : 0;
        for (unsigned k = 0; k < kDepth; ++k) sum += double(a[k]) * tile_value<T>(p.b, p.b_major, unsigned(8 * j) + 2 * t + e, k);
        d = float(sum);
      }
  }
}
template <class T, int kDepth>
void issue_product(const Product& p, const char* name, const Site& site) {
  if (!simt::products_fenced()) simt::fault(site, text(name, ": no wgmma_fence since the sums were last waited for"));
  if (!p.a_in_registers && p.a_major == Major::mn && p.a.bits >> 62 == 0) simt::fault(site, text(name, ": tiles along m without swizzle are not emulated"));
  if (p.b_major == Major::mn && p.b.bits >> 62 == 0) simt::fault(site, text(name, ": tiles along n without swizzle are not emulated"));
  const unsigned thread = simt::thread_rank();
  simt::async_issue(simt::AsyncQueue::products, [p, thread] { multiply_tiles_of_warpgroup<T, kDepth>(p, thread); });
}
}  // namespace detail

inline void wgmma_fence(const Site& site = Site::current()) {
  __syncwarp(0xffffffffu, site);
  simt::products_fence();
}
inline void wgmma_commit() { simt::async_commit(simt::AsyncQueue::products); }
template <int kNewest, int R>
void wgmma_wait(float (&)[R], const Site& site = Site::current()) {
  if (!simt::async_committed(simt::AsyncQueue::products)) simt::fault(site, "wgmma_wait: products were issued and not committed");
  simt::async_wait(simt::AsyncQueue::products, kNewest);
}
template <int kRegisters> void more_registers() {}
template <int kRegisters> void fewer_registers() {}

template <int kN, Major kA = Major::k, Major kB = Major::k>
void wgmma_bf16(float (&d)[kN / 2], TileDescriptor a, TileDescriptor b, bool add = true, const Site& site = Site::current()) {
  detail::issue_product<uint16_t, 16>({d, kN, add, b, kB, false, {}, a, kA}, "wgmma_bf16", site);
}
template <int kN, Major kB = Major::k>
void wgmma_bf16(float (&d)[kN / 2], const uint32_t (&a)[4], TileDescriptor b, bool add = true, const Site& site = Site::current()) {
  detail::RowsCall call{{0xffffffffu, detail::gather_rows, "wgmma_bf16", site}, {a[0], a[1], a[2], a[3]}, {}};
  simt::warp_collective(call);
  detail::Product p{d, kN, add, b, kB, true, {}, {}, Major::k};
  std::memcpy(p.a_rows, call.rows, sizeof p.a_rows);
  detail::issue_product<uint16_t, 16>(p, "wgmma_bf16", site);
}
template <int kN>
void wgmma_tf32(float (&d)[kN / 2], TileDescriptor a, TileDescriptor b, bool add = true, const Site& site = Site::current()) {
  detail::issue_product<uint32_t, 8>({d, kN, add, b, Major::k, false, {}, a, Major::k}, "wgmma_tf32", site);
}

#endif

}  // namespace kintsugi::KIN_GPU_NAMESPACE
