// The weights of one resampling axis: PyTorch's interpolate modes, average pooling windows, and their transposes.
// Built in f64 on the host; cheap (a few operations per tap), so plans are made per call and not cached.
#pragma once
#include <optional>
#include <vector>

#include "kernels/resample.h"

namespace kintsugi {

/// Owner of the arrays that a ResampleAxis points to.
struct ResampleTaps {
  int64_t in = 0, out = 0;
  std::vector<int32_t> offset, index;
  std::vector<double> weight;

  ResampleAxis axis() const { return {offset.data(), index.data(), weight.data(), in, out}; }
  /// The same matrix read the other way round; taps of a cell stay in ascending order of index.
  ResampleTaps transposed() const;
};

/// Modes of torch.nn.functional.interpolate. `nearest` is PyTorch's "nearest" (floor of i * scale, not the nearest centre).
enum class ResizeMode : uint8_t { nearest, bilinear, bicubic, area };
const char* name(ResizeMode mode);

/// Weights of one axis from `in` to `out` cells with PyTorch's conventions:
///   nearest    source floor(i * scale), scale = in/out or 1/scale_factor, in f32 as PyTorch does
///   bilinear   source scale*(i+.5)-.5 clamped at 0; align_corners: i*(in-1)/(out-1)
///   bicubic    the same without the clamp, four taps, Keys' kernel with a = -0.75, indices clamped to the border
///   area       mean over floor(i*in/out) .. ceil((i+1)*in/out)-1, i.e. adaptive average pooling
///   antialias  (bilinear, bicubic) kernel widened by the scale when reducing and normalised, a = -0.5; border taps dropped
/// scale_factor, where given, replaces out/in in the mapping when align_corners is off (interpolate(scale_factor=...)).
/// Throws Error when in or out is not positive.
ResampleTaps resize_taps(ResizeMode mode, int64_t in, int64_t out, bool align_corners, bool antialias,
                         std::optional<double> scale_factor = {});

/// Average pooling: window [i*stride-pad, i*stride-pad+kernel), out = (in+2*pad-kernel)/stride+1. Every tap weighs 1/kernel, or
/// 1/(taps inside the image) when count_include_pad is off.
ResampleTaps avg_pool_taps(int64_t in, int64_t kernel, int64_t stride, int64_t pad, bool count_include_pad);

}  // namespace kintsugi
