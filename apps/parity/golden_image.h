// Golden pictures (HWC) as Images, and how pictures are compared.
#pragma once
#include "apps/parity/parity_case.h"
#include "data/image.h"

namespace kintsugi::parity {

enum class Channels : uint8_t { rgb, bgr };

/// A [h,w,3] tensor, f32 in [0,1] or u8, as an RGB picture in [0,1].
Image golden_image(const GoldenFile& golden, const std::string& tensor, Channels stored = Channels::bgr);

/// A stored u8 picture [n,3,h,w] as a network's input [n,h,w,3] in [-1,1]: (float(u8 / 255.0) - 0.5) / 0.5.
Tensor network_input(const Tensor& pictures, DType dtype);

/// Row with the largest absolute difference of any value.
void check_image(Check& check, const std::string& tensor, const Image& got, const Image& want, double tolerance);

}  // namespace kintsugi::parity
