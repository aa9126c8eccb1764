// Correlation of a picture with a kernel, and the Gaussian kernels of the degradation pipeline.
#pragma once
#include <vector>

#include "data/image.h"

namespace kintsugi {

/// [size, size] weights, row-major, size odd. `profile` is not empty when the kernel is the outer product of it with itself.
struct Kernel {
  int size = 0;
  std::vector<double> weights;
  std::vector<double> profile;
};

/// exp(-(x^2 + y^2) / (2 sigma^2)), normalised to sum 1. sigma > 0, size odd.
Kernel gaussian_kernel(int size, double sigma);

/// exp(-1/2 v^T S^-1 v) with S = R diag(sigma_x^2, sigma_y^2) R^T and R the rotation by `angle` (radians, x to the right, y
/// down), normalised to sum 1.
Kernel gaussian_kernel(int size, double sigma_x, double sigma_y, double angle);

/// out[y, x] = sum w[i, j] in[y + i - r, x + j - r] with mirrored borders that do not repeat the edge (reflect-101), as
/// OpenCV's filter2D; any picture size, throws Error for an empty one. Taps below 1e-12 of the largest are left out: all of them together are below the
/// rounding of f32.
Image filter2d(const Image& image, const Kernel& kernel);
/// Only these rows of it, the others zero: when a resize behind it reads few of them, that is where the time goes.
Image filter2d(const Image& image, const Kernel& kernel, const std::vector<int>& rows);

}  // namespace kintsugi
