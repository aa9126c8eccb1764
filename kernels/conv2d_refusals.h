// What the GPU rows of the convolutions take.
#pragma once
#include <type_traits>

#include "kernels/conv2d.h"
#include "kernels/gpu_rows.h"

namespace kintsugi {

/// The two operands of each member, and its result's columns and rows per group: the sides of the product it is.
inline const void* conv2d_first(const Conv2dFwd& p) { return p.x; }
inline const void* conv2d_first(const Conv2dDgrad& p) { return p.gy; }
inline const void* conv2d_first(const Conv2dWgrad& p) { return p.x; }
inline const void* conv2d_second(const Conv2dFwd& p) { return p.w; }
inline const void* conv2d_second(const Conv2dDgrad& p) { return p.w; }
inline const void* conv2d_second(const Conv2dWgrad& p) { return p.gy; }
inline int64_t conv2d_columns(const Conv2dFwd& p) { return p.shape.o / p.shape.groups; }
inline int64_t conv2d_columns(const Conv2dDgrad& p) { return p.shape.c / p.shape.groups; }
inline int64_t conv2d_columns(const Conv2dWgrad& p) { return p.shape.o / p.shape.groups; }

/// Whether channels can be moved in chunks of `width` elements from 16-byte (for bf16 and width 8, or f32 and 4) addresses.
template <class Args>
bool conv2d_lines_of(const Args& p, int64_t width) {
  const ConvShape& s = p.shape;
  const auto aligned = [](const void* at) { return reinterpret_cast<uintptr_t>(at) % 16 == 0; };
  return s.c / s.groups % width == 0 && s.o / s.groups % width == 0 && aligned(conv2d_first(p)) && aligned(conv2d_second(p));
}

/// The kernels count pixels and products per pixel in 32 bits, and groups times ranges of a sum by the third axis of the grid.
template <class Args>
const char* conv2d_too_large(const Args& p) {
  const ConvShape& s = p.shape;
  constexpr int64_t kMost = (int64_t(1) << 31) - 1024;
  const int64_t taps = s.kh * s.kw;
  if (s.n * s.h * s.w > kMost || s.n * s.out_h * s.out_w > kMost || taps * s.c > 65535 * 16 || taps * s.o > kMost)
    return "needs fewer than 2^31 pixels, and of taps times channels 2^20";
  if (s.groups > 64) return "needs at most 64 groups";
  return nullptr;
}

/// A tile is filled by the output channels of one group: with fewer than four most of its work is wasted.
template <class Args>
const char* conv2d_needs_tiles(const Args& p) {
  if (const char* why = f32_or_bf16(p)) return why;
  if (conv2d_columns(p) < 4) return "needs at least 4 output channels per group";
  return conv2d_too_large(p);
}

template <class Args>
const char* conv2d_needs_large_tiles(const Args& p) {
  if (const char* why = f32_only(p)) return why;
  if (conv2d_columns(p) < 8) return "needs at least 8 output channels per group";
  return conv2d_too_large(p);
}

template <class Args>
const char* conv2d_needs_bf16_lines(const Args& p) {
  if (p.dtype != DType::bf16) return "needs bf16";
  if (!conv2d_lines_of(p, 8)) return "needs channels per group in multiples of 8, and tensors aligned to 16 bytes";
  return conv2d_too_large(p);
}

/// Boxes of 64 channels: below 32 most of their work is wasted. TMA takes every second pixel of a box, as a strided forward needs, but
/// cannot spread them out, as its input gradient would.
template <class Args>
const char* conv2d_needs_wgmma(const Args& p) {
  if (const char* why = conv2d_needs_bf16_lines(p)) return why;
  const ConvShape& s = p.shape;
  if (s.groups != 1 || s.c < 32 || s.o < 32) return "needs one group of at least 32 channels on either side";
  if (std::is_same_v<Args, Conv2dDgrad> && (s.stride_h != 1 || s.stride_w != 1)) return "needs stride 1";
  if (s.stride_h > 8 || s.stride_w > 8) return "needs strides of at most 8";
  if (s.n * s.h * s.w == 0 || s.n * s.out_h * s.out_w == 0) return "needs images of at least one pixel";
  return needs_hopper();
}

/// Whether a GPU row that sums up each tile of y [.., channels] when it has stored it can leave such moments: it sees two channels as one, and 16 bytes of
/// them at once.
inline const char* leaves_no_moments(const OutputMoments& moments, const void* y, int64_t channels, DType dtype) {
  if (!moments) return nullptr;
  if (channels % (2 * moments.groups) != 0) return "leaves moments of groups of an even number of channels alone";
  if (channels * int64_t(size_of(dtype)) % 16 != 0 || reinterpret_cast<uintptr_t>(y) % 16 != 0) return "leaves moments of lines in multiples of 16 bytes alone";
  return nullptr;
}
/// A row whose tiles are 128 pixels in the order of memory sums up one image's in each. `pixels`: of an image.
inline const char* tile_spans_images(const OutputMoments& moments, int64_t pixels) {
  return moments && pixels % 128 != 0 ? "leaves moments of images of a multiple of 128 pixels alone" : nullptr;
}

}  // namespace kintsugi
