// Vectors of floats by compiler extension, one source for every instruction set.
//
// A file named X.simd.cpp is compiled once per level (baseline, avx2, avx512) with that level's flags and with
// KIN_SIMD defined as the level's name. Rules for such a file:
//   * put everything in `namespace kintsugi::KIN_SIMD { ... }`, helpers in an anonymous namespace inside it;
//   * no std containers, std::function or other inline library code that another file may also instantiate: the linker
//     keeps one copy, and if it keeps the AVX-512 one the program dies on an older machine. Pointers, lengths and
//     <cstdint>, <cmath>-free arithmetic only; callers own memory and threads;
//   * declare the entry points with KIN_SIMD_DECLARE in a header and call them through KIN_SIMD_PICK.
#pragma once
#include <cstdint>

namespace kintsugi {

enum class SimdLevel : uint8_t { baseline, avx2, avx512 };

/// The best level this machine runs and this build contains; KINTSUGI_SIMD=baseline|avx2|avx512 caps it. Chosen once.
SimdLevel simd_level();
const char* name(SimdLevel level);
/// For tests: use another level from now on (never above what the machine runs). Returns the old one.
SimdLevel set_simd_level(SimdLevel level);

}  // namespace kintsugi

#if defined(__x86_64__)
#define KIN_SIMD_DECLARE(result, function, ...)                  \
  namespace baseline { result function(__VA_ARGS__); }           \
  namespace avx2 { result function(__VA_ARGS__); }               \
  namespace avx512 { result function(__VA_ARGS__); }
#define KIN_SIMD_PICK(function)                                                   \
  (::kintsugi::simd_level() == ::kintsugi::SimdLevel::avx512 ? avx512::function   \
   : ::kintsugi::simd_level() == ::kintsugi::SimdLevel::avx2 ? avx2::function     \
                                                              : baseline::function)
#else
#define KIN_SIMD_DECLARE(result, function, ...) \
  namespace baseline { result function(__VA_ARGS__); }
#define KIN_SIMD_PICK(function) (baseline::function)
#endif

#ifdef KIN_SIMD
namespace kintsugi::KIN_SIMD {
#if defined(KIN_SIMD_avx512)
inline constexpr int kLanes = 16;  // floats in one register
#elif defined(KIN_SIMD_avx2)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif
typedef float vec __attribute__((vector_size(kLanes * 4)));
typedef float vec_unaligned __attribute__((vector_size(kLanes * 4), aligned(4)));
typedef int32_t ivec __attribute__((vector_size(kLanes * 4)));
static inline vec load(const float* p) { return *reinterpret_cast<const vec_unaligned*>(p); }
static inline void store(float* p, vec v) { *reinterpret_cast<vec_unaligned*>(p) = v; }
static inline vec splat(float v) { return vec{} + v; }
}  // namespace kintsugi::KIN_SIMD
#endif
