// Full-reference image quality: PSNR and SSIM exactly as the restoration papers' evaluation code computes them.
#pragma once
#include <vector>

#include "data/image.h"

namespace kintsugi {

struct MetricOptions {
  int crop_border = 0;     // pixels left out on every side
  bool luma_only = false;  // ITU-R BT.601 studio-range Y instead of RGB
};

/// 20 log10(255 / sqrt(mse)) in dB over all values; infinity for equal pictures. Both pictures are first rounded to 8 bits,
/// as saved files would be. Throws Error when the sizes differ or the crop leaves nothing.
double psnr(const Image& a, const Image& b, const MetricOptions& options = {});

/// Structural similarity (Wang et al. 2004): 11x11 Gaussian window with sigma 1.5, only where it fits (so at least 11x11
/// pixels after cropping), C1 = (0.01*255)^2, C2 = (0.03*255)^2, biased moments; mean over the map, then over channels.
double ssim(const Image& a, const Image& b, const MetricOptions& options = {});

/// Y = 65.481 R + 128.553 G + 24.966 B + 16 in [16, 235] from 8-bit RGB, with the reference's f32 roundings; [h*w].
std::vector<double> luma(const Image& image);

}  // namespace kintsugi
