#include "data/filter.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/filter_row.h"
#include "kernels/base/error.h"
#include "kernels/picture_blur.h"

namespace kintsugi {
namespace {

constexpr double kNegligible = 1e-12;

void check_kernel_size(int size) {
  KIN_CHECK(size > 0 && size % 2 == 1, "gaussian_kernel: size must be odd and positive, got ", size);
}

void normalise(std::vector<double>& v) {
  const double sum = std::accumulate(v.begin(), v.end(), 0.0);
  for (double& x : v) x /= sum;
}

Image pad_reflect(const Image& in, int rows, int columns) {
  Image out(in.h + 2 * rows, in.w + 2 * columns, in.c);
  for (int y = 0; y < out.h; ++y) {
    const int from = int(mirrored(y - rows, in.h));
    for (int x = 0; x < columns; ++x) {
      std::copy_n(in.at(from, int(mirrored(x - columns, in.w))), in.c, out.at(y, x));
      std::copy_n(in.at(from, int(mirrored(in.w + x, in.w))), in.c, out.at(y, columns + in.w + x));
    }
    std::copy_n(in.at(from, 0), size_t(in.w) * in.c, out.at(y, columns));
  }
  return out;
}

std::vector<int> all_rows(const Image& image) {
  std::vector<int> rows(size_t(image.h));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

/// Correlates with rows x columns weights (both odd) to give the rows `wanted`; the border is mirrored.
Image correlate(const Image& in, const std::vector<double>& weights, int rows, int columns, const std::vector<int>& wanted) {
  const Image padded = pad_reflect(in, rows / 2, columns / 2);
  const int64_t stride = int64_t(padded.w) * in.c;
  double largest = 0;
  for (double w : weights) largest = std::max(largest, std::abs(w));
  std::vector<int64_t> offsets;
  std::vector<float> kept;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) {
      const double w = weights[size_t(i) * columns + j];
      if (std::abs(w) <= kNegligible * largest) continue;
      offsets.push_back(i * stride + int64_t(j) * in.c);
      kept.push_back(float(w));
    }
  Image out(in.h, in.w, in.c);
  for (int y : wanted)
    KIN_SIMD_PICK(filter_row)
    (padded.at(y, 0), out.at(y, 0), int64_t(in.w) * in.c, offsets.data(), kept.data(), int64_t(kept.size()));
  return out;
}

}  // namespace

Kernel gaussian_kernel(int size, double sigma) {
  check_kernel_size(size);
  KIN_CHECK(sigma > 0, "gaussian_kernel: sigma must be positive, got ", sigma);
  Kernel k{size, std::vector<double>(size_t(size) * size), std::vector<double>(size)};
  const int r = size / 2;
  for (int i = 0; i < size; ++i) k.profile[i] = std::exp(-0.5 * (i - r) * (i - r) / (sigma * sigma));
  normalise(k.profile);
  for (int i = 0; i < size; ++i)
    for (int j = 0; j < size; ++j) k.weights[size_t(i) * size + j] = k.profile[i] * k.profile[j];
  return k;
}

Kernel gaussian_kernel(int size, double sigma_x, double sigma_y, double angle) {
  check_kernel_size(size);
  KIN_CHECK(sigma_x > 0 && sigma_y > 0, "gaussian_kernel: sigmas must be positive, got ", sigma_x, " and ", sigma_y);
  Kernel k{size, std::vector<double>(size_t(size) * size), {}};
  const double c = std::cos(angle), s = std::sin(angle);
  const int r = size / 2;
  for (int i = 0; i < size; ++i)
    for (int j = 0; j < size; ++j) {
      const double x = j - r, y = i - r;
      const double along = (c * x + s * y) / sigma_x, across = (c * y - s * x) / sigma_y;
      k.weights[size_t(i) * size + j] = std::exp(-0.5 * (along * along + across * across));
    }
  normalise(k.weights);
  return k;
}

Image filter2d(const Image& image, const Kernel& kernel) { return filter2d(image, kernel, all_rows(image)); }

Image filter2d(const Image& image, const Kernel& kernel, const std::vector<int>& rows) {
  KIN_CHECK(!image.empty(), "filter2d: image must not be empty");
  KIN_CHECK(kernel.size % 2 == 1 && kernel.weights.size() == size_t(kernel.size) * kernel.size,
            "filter2d: kernel must be square with an odd size, got size ", kernel.size, " and ", kernel.weights.size(),
            " weights");
  KIN_CHECK(std::all_of(rows.begin(), rows.end(), [&](int y) { return y >= 0 && y < image.h; }), "filter2d: rows must be in [0,", image.h, ")");
  if (kernel.profile.empty()) return correlate(image, kernel.weights, kernel.size, kernel.size, rows);
  return correlate(correlate(image, kernel.profile, 1, kernel.size, all_rows(image)), kernel.profile, kernel.size, 1, rows);
}

}  // namespace kintsugi
