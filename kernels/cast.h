// One element type to another: y = round(x), to nearest even, or as C++ converts. A way to bf16 and back on the device, for arithmetic in bf16 beside
// parameters in f32; on the CPU between any two types, which is how tensors change theirs.
#pragma once
#include <type_traits>

#include "kernels/table.h"

namespace kintsugi {

struct Cast {
  const void* x;  // [n] of `from`
  void* y;        // [n] of `to`, overwritten
  int64_t n;
  DType from, to;  // f32, f64, bf16, i64, i32 or u8
};

extern const Family<Cast> cast_fwd;

namespace cpu {
/// For tensors, whose files and lists are converted whatever row was chosen by name for a GPU.
void cast_ref(const Context&, const Cast&);
}  // namespace cpu

/// One element.
template <class To, class From>
To converted(From v) {
  if constexpr (std::is_same_v<From, bf16>) return converted<To>(float(v));
  else if constexpr (std::is_same_v<To, bf16>) return bf16(float(v));
  else return To(v);
}

/// Calls f with a null pointer of the element type. Throws Error for f16.
template <class F>
void visit_any(DType t, F&& f) {
  switch (t) {
    case DType::f32: return f((float*)nullptr);
    case DType::f64: return f((double*)nullptr);
    case DType::bf16: return f((bf16*)nullptr);
    case DType::i64: return f((int64_t*)nullptr);
    case DType::i32: return f((int32_t*)nullptr);
    case DType::u8: return f((uint8_t*)nullptr);
    case DType::f16: fail("tensor: f16 is for reading files only; convert it there");
  }
}

}  // namespace kintsugi
