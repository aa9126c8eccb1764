// Element types, and how to turn a run-time type into a compile-time one.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <ostream>

#include "kernels/base/error.h"

namespace kintsugi {

enum class DType : uint8_t { f32, f64, bf16, f16, i64, i32, u8 };

/// Brain float: the upper half of an f32. Stored, never computed with.
struct bf16 {
  uint16_t bits = 0;
  bf16() = default;
  constexpr explicit bf16(float f) {  // round to nearest even; NaN stays NaN
    const uint32_t u = std::bit_cast<uint32_t>(f);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = nan ? uint16_t((u >> 16) | 0x40) : uint16_t((u + 0x7fffu + ((u >> 16) & 1)) >> 16);
  }
  constexpr explicit operator float() const { return std::bit_cast<float>(uint32_t(bits) << 16); }
};

/// IEEE half, for reading files only.
struct f16 {
  uint16_t bits = 0;
};

constexpr size_t size_of(DType t) {
  switch (t) {
    case DType::f64: case DType::i64: return 8;
    case DType::f32: case DType::i32: return 4;
    case DType::bf16: case DType::f16: return 2;
    case DType::u8: return 1;
  }
  return 0;
}

constexpr const char* name(DType t) {
  switch (t) {
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::bf16: return "bf16";
    case DType::f16: return "f16";
    case DType::i64: return "i64";
    case DType::i32: return "i32";
    case DType::u8: return "u8";
  }
  return "?";
}
inline std::ostream& operator<<(std::ostream& out, DType t) { return out << name(t); }

template <class T> inline constexpr DType dtype_of = DType::f32;
template <> inline constexpr DType dtype_of<double> = DType::f64;
template <> inline constexpr DType dtype_of<bf16> = DType::bf16;
template <> inline constexpr DType dtype_of<f16> = DType::f16;
template <> inline constexpr DType dtype_of<int64_t> = DType::i64;
template <> inline constexpr DType dtype_of<int32_t> = DType::i32;
template <> inline constexpr DType dtype_of<uint8_t> = DType::u8;

/// Calls f.template operator()<T>() with T = float or double; any other type is an error that names the op.
template <class F>
decltype(auto) visit_float(DType t, const char* op, F&& f) {
  if (t == DType::f32) return f.template operator()<float>();
  if (t == DType::f64) return f.template operator()<double>();
  fail(op, ": dtype must be f32 or f64, got ", t);
}

/// The same for kernels that read and write f32 or bf16 and compute in f32.
template <class F>
decltype(auto) visit_f32_or_bf16(DType t, const char* op, F&& f) {
  if (t == DType::f32) return f.template operator()<float>();
  if (t == DType::bf16) return f.template operator()<bf16>();
  fail(op, ": dtype must be f32 or bf16, got ", t);
}

}  // namespace kintsugi
