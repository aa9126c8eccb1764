#include "kernels/local_ncc.h"

#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cpu/box_sum.h"

namespace kintsugi::cpu {
namespace {

/// What one window knows, and what its correlation is worth to the pixels in it.
struct Window {
  double mean_a, mean_b, cross, var_a, var_b;
  double cc(double eps) const { return cross * cross / (var_a * var_b + eps); }
};
struct Slopes {
  double cross, var_a, var_b;  // d cc / d (cross, var_a, var_b)
};
Slopes slopes(const Window& s, double eps) {
  const double inverse = 1 / (s.var_a * s.var_b + eps), ratio = s.cross * inverse;
  return {2 * ratio, -ratio * ratio * s.var_b, -ratio * ratio * s.var_a};
}

/// Two passes over one window of channel c of image n; pixels outside the image are zeros.
template <class T>
Window direct_window(const LocalNccFwd& f, int64_t n, int64_t i, int64_t j, int64_t c) {
  const auto pixel = [&](const void* image, int64_t y, int64_t x) {
    const bool inside = y >= 0 && y < f.h && x >= 0 && x < f.w;
    return inside ? double(static_cast<const T*>(image)[((n * f.h + y) * f.w + x) * f.c + c]) : 0.0;
  };
  const int64_t y0 = i - f.lead(), x0 = j - f.lead();
  const double count = double(f.window * f.window);
  Window s{};
  for (int64_t y = y0; y < y0 + f.window; ++y)
    for (int64_t x = x0; x < x0 + f.window; ++x) {
      s.mean_a += pixel(f.a, y, x) / count;
      s.mean_b += pixel(f.b, y, x) / count;
    }
  for (int64_t y = y0; y < y0 + f.window; ++y)
    for (int64_t x = x0; x < x0 + f.window; ++x) {
      const double a = pixel(f.a, y, x) - s.mean_a, b = pixel(f.b, y, x) - s.mean_b;
      s.cross += a * b;
      s.var_a += a * a;
      s.var_b += b * b;
    }
  return s;
}

/// From box sums of a, b, a^2, b^2, ab. In f64 the products of f32 pixels are exact and the subtraction is safe: a mean of 1000
/// with a deviation of 1 leaves ten digits. (A device without fast f64 would subtract a shift first.)
Window summed_window(const double* const sums[5], int64_t k, double count) {
  const double a = sums[0][k], b = sums[1][k];
  return {a / count, b / count, sums[4][k] - a * b / count, std::max(0.0, sums[2][k] - a * a / count),
          std::max(0.0, sums[3][k] - b * b / count)};
}

/// Calls use(i, sums) with the box sums for output rows [begin, end) of image n.
template <class Use>
void each_row_of_sums(const LocalNccFwd& f, int64_t n, int64_t begin, int64_t end, Use&& use) {
  const int64_t row = f.w * f.c;
  const BoxGeometry geometry{f.h, f.w, f.out_w(), f.c, f.window, f.lead()};
  box_sum_rows<5>(
      geometry, begin, end,
      [&](int64_t y, double* const fields[5]) {
        const auto* a = static_cast<const float*>(f.a) + (n * f.h + y) * row;
        const auto* b = static_cast<const float*>(f.b) + (n * f.h + y) * row;
        for (int64_t k = 0; k < row; ++k) {
          const double p = a[k], q = b[k];
          fields[0][k] = p;
          fields[1][k] = q;
          fields[2][k] = p * p;
          fields[3][k] = q * q;
          fields[4][k] = p * q;
        }
      },
      use);
}

// Rows per task: sums start afresh with each, so rounding does not travel further than this.
constexpr int64_t kBand = 32;

}  // namespace

void local_ncc_fwd_ref(const Context&, const LocalNccFwd& f) {
  visit_float(f.dtype, "local_ncc_fwd", [&]<class T>() {
    T* cc = static_cast<T*>(f.cc);
    for (int64_t n = 0; n < f.n; ++n)
      for (int64_t i = 0; i < f.out_h(); ++i)
        for (int64_t j = 0; j < f.out_w(); ++j)
          for (int64_t c = 0; c < f.c; ++c) *cc++ = T(direct_window<T>(f, n, i, j, c).cc(f.eps));
  });
}

void local_ncc_fwd_fast(const Context&, const LocalNccFwd& f) {
  const int64_t bands = (f.out_h() + kBand - 1) / kBand, row = f.out_w() * f.c;
  const double count = double(f.window * f.window);
  parallel_for(f.n * bands, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      const int64_t n = task / bands, begin = task % bands * kBand, end = std::min(f.out_h(), begin + kBand);
      each_row_of_sums(f, n, begin, end, [&](int64_t i, const double* const sums[5]) {
        float* cc = static_cast<float*>(f.cc) + (n * f.out_h() + i) * row;
        for (int64_t k = 0; k < row; ++k) cc[k] = float(summed_window(sums, k, count).cc(f.eps));
      });
    }
  });
}

void local_ncc_bwd_ref(const Context&, const LocalNccBwd& args) {
  const LocalNccFwd& f = args.forward;
  visit_float(f.dtype, "local_ncc_bwd", [&]<class T>() {
    const int64_t cells = f.out_h() * f.out_w() * f.c;
    std::vector<Window> windows(static_cast<size_t>(cells));
    for (int64_t n = 0; n < f.n; ++n) {
      for (int64_t k = 0; k < cells; ++k)
        windows[size_t(k)] = direct_window<T>(f, n, k / f.c / f.out_w(), k / f.c % f.out_w(), k % f.c);
      for (int64_t y = 0; y < f.h; ++y)
        for (int64_t x = 0; x < f.w; ++x)
          for (int64_t c = 0; c < f.c; ++c) {
            const int64_t q = ((n * f.h + y) * f.w + x) * f.c + c;
            const double a = double(static_cast<const T*>(f.a)[q]), b = double(static_cast<const T*>(f.b)[q]);
            const int64_t i0 = y + f.lead() - f.window + 1, j0 = x + f.lead() - f.window + 1;
            double ga = 0, gb = 0;
            for (int64_t i = std::max<int64_t>(0, i0); i < std::min(f.out_h(), i0 + f.window); ++i)
              for (int64_t j = std::max<int64_t>(0, j0); j < std::min(f.out_w(), j0 + f.window); ++j) {
                const int64_t k = (i * f.out_w() + j) * f.c + c;
                const Window& s = windows[size_t(k)];
                const double g = double(static_cast<const T*>(args.g)[n * cells + k]);
                const Slopes by = slopes(s, f.eps);
                ga += g * (by.cross * (b - s.mean_b) + 2 * by.var_a * (a - s.mean_a));
                gb += g * (by.cross * (a - s.mean_a) + 2 * by.var_b * (b - s.mean_b));
              }
            if (args.ga) static_cast<T*>(args.ga)[q] = T(ga);
            if (args.gb) static_cast<T*>(args.gb)[q] = T(gb);
          }
    }
  });
}

void local_ncc_bwd_fast(const Context&, const LocalNccBwd& args) {
  const LocalNccFwd& f = args.forward;
  const int64_t bands = (f.h + kBand - 1) / kBand, row = f.w * f.c, out_row = f.out_w() * f.c;
  const double count = double(f.window * f.window);
  // A pixel lies in the windows of the cells q + lead - window + 1 .. q + lead: a box sum over cells, led the other way.
  const int64_t lead = f.window - 1 - f.lead();
  parallel_for(f.n * bands, 1, [&](int64_t first, int64_t last) {
    std::vector<double> coefficients;  // [cell row][field][out_row]
    for (int64_t task = first; task < last; ++task) {
      const int64_t n = task / bands, begin = task % bands * kBand, end = std::min(f.h, begin + kBand);
      const int64_t cell_begin = std::max<int64_t>(0, begin - lead), cell_end = std::min(f.out_h(), end - lead + f.window - 1);
      coefficients.resize(size_t(std::max<int64_t>(0, cell_end - cell_begin) * 5 * out_row));
      each_row_of_sums(f, n, cell_begin, cell_end, [&](int64_t i, const double* const sums[5]) {
        const auto* g = static_cast<const float*>(args.g) + (n * f.out_h() + i) * out_row;
        double* out = coefficients.data() + (i - cell_begin) * 5 * out_row;
        for (int64_t k = 0; k < out_row; ++k) {
          const Window s = summed_window(sums, k, count);
          const Slopes by = slopes(s, f.eps);
          const double cross = g[k] * by.cross, a = 2 * g[k] * by.var_a, b = 2 * g[k] * by.var_b;
          out[k] = cross;
          out[k + out_row] = a;
          out[k + 2 * out_row] = b;
          out[k + 3 * out_row] = cross * s.mean_b + a * s.mean_a;
          out[k + 4 * out_row] = cross * s.mean_a + b * s.mean_b;
        }
      });
      const BoxGeometry geometry{f.out_h(), f.out_w(), f.w, f.c, f.window, lead};
      box_sum_rows<5>(
          geometry, begin, end,
          [&](int64_t i, double* const fields[5]) {
            const double* in = coefficients.data() + (i - cell_begin) * 5 * out_row;
            for (int k = 0; k < 5; ++k) std::copy(in + k * out_row, in + (k + 1) * out_row, fields[k]);
          },
          [&](int64_t y, const double* const sums[5]) {
            const int64_t at = (n * f.h + y) * row;
            const auto *a = static_cast<const float*>(f.a) + at, *b = static_cast<const float*>(f.b) + at;
            if (args.ga)
              for (int64_t k = 0; k < row; ++k)
                static_cast<float*>(args.ga)[at + k] = float(sums[0][k] * b[k] + sums[1][k] * a[k] - sums[3][k]);
            if (args.gb)
              for (int64_t k = 0; k < row; ++k)
                static_cast<float*>(args.gb)[at + k] = float(sums[0][k] * a[k] + sums[2][k] * b[k] - sums[4][k]);
          });
    }
  });
}

}  // namespace kintsugi::cpu
