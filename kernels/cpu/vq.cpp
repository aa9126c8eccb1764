#include "kernels/vq.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cpu/block_gemm.h"

namespace kintsugi {
namespace cpu {
namespace {

// Never inlined: the fast row must see the very bits of the reference, also where a compiler fuses multiply and add.
template <class T>
[[gnu::noinline]] double dot(const T* x, const T* y, int64_t width) {
  double s = 0;
  for (int64_t d = 0; d < width; ++d) s += double(x[d]) * double(y[d]);
  return s;
}
template <class T>
[[gnu::noinline]] double distance(const T* z, const T* e, int64_t width) {
  return dot(z, z, width) + dot(e, e, width) - 2 * dot(z, e, width);
}

template <class T>
void search_ref(const NearestCode& a) {
  double total = 0;
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* z = static_cast<const T*>(a.z) + r * a.width;
    int64_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (int64_t k = 0; k < a.codes; ++k) {
      const double d = distance(z, static_cast<const T*>(a.codebook) + k * a.width, a.width);
      total += d;
      if (d < least) least = d, best = k;
    }
    a.indices[r] = best;
    if (a.min_distance) static_cast<T*>(a.min_distance)[r] = T(least);
  }
  if (a.mean_distance) *static_cast<T*>(a.mean_distance) = T(total / double(a.rows * a.codes));
}

/// Mean of all distances without the matrix: mean |z|^2 + mean |e|^2 - 2 (mean z) . (mean e).
double mean_distance(const float* z, int64_t rows, const float* e, int64_t codes, int64_t width) {
  auto means = [width](const float* x, int64_t n, std::vector<double>& mean) {
    double squares = 0;
    for (int64_t r = 0; r < n; ++r)
      for (int64_t d = 0; d < width; ++d) {
        const double v = x[r * width + d];
        mean[d] += v / double(n);
        squares += v * v;
      }
    return squares / double(n);
  };
  std::vector<double> z_mean(width), e_mean(width);
  const double squares = means(z, rows, z_mean) + means(e, codes, e_mean);
  return squares - 2 * dot(z_mean.data(), e_mean.data(), width);
}

}  // namespace

void nearest_code_ref(const Context&, const NearestCode& a) {
  visit_float(a.dtype, "nearest_code", [&]<class T>() { search_ref<T>(a); });
}

void nearest_code_fast(const Context&, const NearestCode& a) {
  const auto *z = static_cast<const float*>(a.z), *e = static_cast<const float*>(a.codebook);
  const int64_t width = a.width, codes = a.codes;
  const BlockGemm product{.k = width, .n = codes};
  const std::unique_ptr<float[]> packed(new float[product.packed_size()]);
  product.pack(e, 1, width, packed.get());
  std::vector<float> squares(codes);
  for (int64_t k = 0; k < codes; ++k) squares[k] = float(dot(e + k * width, e + k * width, width));
  const double largest = *std::max_element(squares.begin(), squares.end());

  constexpr int64_t kBlock = 48;
  parallel_for(a.rows, kBlock, [&](int64_t begin, int64_t end) {
    const std::unique_ptr<float[]> scores(new float[kBlock * codes]);
    product.multiply(end - begin, z + begin * width, width, 1, packed.get(), scores.get(), codes);
    for (int64_t r = begin; r < end; ++r) {
      // |z|^2 is the same for every code: rank |e|^2 - 2 z.e. A sum of `width` products is off by at most width u |z| |e|
      // in any order (u = 2^-24), so the nearest code lies within twice this bound of the smallest score.
      float* s = &scores[(r - begin) * codes];
      for (int64_t k = 0; k < codes; ++k) s[k] = squares[k] - 2 * s[k];
      const float least = *std::min_element(s, s + codes);
      const double z_norm = std::sqrt(dot(z + r * width, z + r * width, width));
      const double bound = 0x1p-24 * (2 * double(width + 4) * z_norm * std::sqrt(largest) + 4 * largest);
      int64_t best = 0;
      double nearest = std::numeric_limits<double>::infinity();
      for (int64_t k = 0; k < codes; ++k) {
        if (!(s[k] <= least + 2 * bound)) continue;
        const double d = distance(z + r * width, e + k * width, width);
        if (d < nearest) nearest = d, best = k;
      }
      a.indices[r] = best;
      if (a.min_distance) static_cast<float*>(a.min_distance)[r] = float(nearest);
    }
  });
  if (a.mean_distance) *static_cast<float*>(a.mean_distance) = float(mean_distance(z, a.rows, e, codes, width));
}

}  // namespace cpu
}  // namespace kintsugi
