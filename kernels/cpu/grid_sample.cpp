#include "kernels/grid_sample.h"

#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/grid_position.h"

namespace kintsugi::cpu {
namespace {

/// Calls use(pixel, weight) for each tap inside the image with a weight, in a fixed order.
template <class Use>
void each_tap(const GridGeometry& a, const GridTaps& t, Use&& use) {
  for (int dy = 0; dy < 2; ++dy)
    for (int dx = 0; dx < 2; ++dx) {
      const int64_t y = t.y0 + dy, x = t.x0 + dx;
      const double weight = (dy ? t.ty : 1 - t.ty) * (dx ? t.tx : 1 - t.tx);
      if (y >= 0 && y < a.h && x >= 0 && x < a.w && weight != 0) use(y * a.w + x, weight);
    }
}

/// d y / d grid at one cell: gy times the slope of the bilinear patch; pixels outside the image count as zero.
template <class T>
void cell_gradient(const GridSampleBwd& a, const GridTaps& t, const T* gy, const T* x, T* ggrid) {
  double along_y = 0, along_x = 0;
  for (int dy = 0; dy < 2; ++dy)
    for (int dx = 0; dx < 2; ++dx) {
      const int64_t row = t.y0 + dy, col = t.x0 + dx;
      if (row < 0 || row >= a.h || col < 0 || col >= a.w) continue;
      const T* pixel = x + (row * a.w + col) * a.c;
      double dot = 0;
      for (int64_t c = 0; c < a.c; ++c) dot += double(gy[c]) * double(pixel[c]);
      along_y += (dy ? dot : -dot) * (dx ? t.tx : 1 - t.tx);
      along_x += (dx ? dot : -dot) * (dy ? t.ty : 1 - t.ty);
    }
  const bool displaced = a.coordinates == GridCoordinates::displacement;
  ggrid[displaced ? 0 : 1] = T(along_y * t.slope_y);
  ggrid[displaced ? 1 : 0] = T(along_x * t.slope_x);
}

}  // namespace

void grid_sample_fwd_ref(const Context&, const GridSampleFwd& a) {
  visit_float(a.dtype, "grid_sample_fwd", [&]<class T>() {
    for (int64_t cell = 0; cell < a.n * a.out_h * a.out_w; ++cell) {
      const int64_t n = cell / (a.out_h * a.out_w), i = cell / a.out_w % a.out_h, j = cell % a.out_w;
      const GridTaps t = grid_taps<T>(a, cell, i, j);
      for (int64_t c = 0; c < a.c; ++c) {
        double sum = 0;
        each_tap(a, t, [&](int64_t pixel, double weight) {
          sum += weight * double(static_cast<const T*>(a.x)[(n * a.h * a.w + pixel) * a.c + c]);
        });
        static_cast<T*>(a.y)[cell * a.c + c] = T(sum);
      }
    }
  });
}

void grid_sample_fwd_fast(const Context&, const GridSampleFwd& a) {
  parallel_for(a.n * a.out_h, grain_for(a.out_w * (40 + 8 * a.c)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* x = static_cast<const float*>(a.x) + row / a.out_h * a.h * a.w * a.c;
      float* y = static_cast<float*>(a.y) + row * a.out_w * a.c;
      for (int64_t j = 0; j < a.out_w; ++j, y += a.c) {
        const GridTaps t = grid_taps<float>(a, row * a.out_w + j, row % a.out_h, j);
        const bool inside = t.y0 >= 0 && t.y0 + 1 < a.h && t.x0 >= 0 && t.x0 + 1 < a.w;
        if (inside && a.sampling == GridSampling::bilinear) {
          const float w00 = float((1 - t.ty) * (1 - t.tx)), w01 = float((1 - t.ty) * t.tx);
          const float w10 = float(t.ty * (1 - t.tx)), w11 = float(t.ty * t.tx);
          const float *top = x + (t.y0 * a.w + t.x0) * a.c, *bottom = top + a.w * a.c;
          for (int64_t c = 0; c < a.c; ++c)
            y[c] = (w00 * top[c] + w01 * top[c + a.c]) + (w10 * bottom[c] + w11 * bottom[c + a.c]);
        } else {
          std::fill(y, y + a.c, 0.0f);
          each_tap(a, t, [&](int64_t pixel, double weight) {
            for (int64_t c = 0; c < a.c; ++c) y[c] += float(weight) * x[pixel * a.c + c];
          });
        }
      }
    }
  });
}

void grid_sample_bwd_ref(const Context&, const GridSampleBwd& a) {
  visit_float(a.dtype, "grid_sample_bwd", [&]<class T>() {
    std::vector<double> sum(a.gx ? size_t(a.n * a.h * a.w * a.c) : 0);
    for (int64_t cell = 0; cell < a.n * a.out_h * a.out_w; ++cell) {
      const int64_t n = cell / (a.out_h * a.out_w), i = cell / a.out_w % a.out_h, j = cell % a.out_w;
      const GridTaps t = grid_taps<T>(a, cell, i, j);
      const T* gy = static_cast<const T*>(a.gy) + cell * a.c;
      if (a.gx)
        each_tap(a, t, [&](int64_t pixel, double weight) {
          for (int64_t c = 0; c < a.c; ++c) sum[size_t((n * a.h * a.w + pixel) * a.c + c)] += weight * double(gy[c]);
        });
      if (a.ggrid)
        cell_gradient(a, t, gy, static_cast<const T*>(a.x) + n * a.h * a.w * a.c, static_cast<T*>(a.ggrid) + 2 * cell);
    }
    if (a.gx) std::transform(sum.begin(), sum.end(), static_cast<T*>(a.gx), [](double v) { return T(v); });
  });
}

void grid_sample_bwd_fast(const Context&, const GridSampleBwd& a) {
  const int64_t rows = a.n * a.out_h;
  const auto* gy = static_cast<const float*>(a.gy);
  // First pass: the grid's gradient, and which image rows each output row touches.
  struct Extent {
    int64_t low, high;
  };
  std::vector<Extent> extent(static_cast<size_t>(rows));
  parallel_for(rows, grain_for(a.out_w * (40 + 8 * a.c)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto* x = static_cast<const float*>(a.x) + row / a.out_h * a.h * a.w * a.c;
      Extent e{a.h, -1};
      for (int64_t j = 0; j < a.out_w; ++j) {
        const int64_t cell = row * a.out_w + j;
        const GridTaps t = grid_taps<float>(a, cell, row % a.out_h, j);
        e = {std::min(e.low, t.y0), std::max(e.high, t.y0 + 1)};
        if (a.ggrid) cell_gradient(a, t, gy + cell * a.c, x, static_cast<float*>(a.ggrid) + 2 * cell);
      }
      extent[static_cast<size_t>(row)] = e;
    }
  });
  if (!a.gx) return;
  // Second pass: a pixel's sum runs over the cells in scan order whoever owns its band, so neither the number of bands nor of
  // threads shows in the bits.
  constexpr int64_t kBand = 32;
  const int64_t bands = (a.h + kBand - 1) / kBand;
  parallel_for(a.n * bands, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / bands, y0 = task % bands * kBand, y1 = std::min(a.h, y0 + kBand);
      float* gx = static_cast<float*>(a.gx) + n * a.h * a.w * a.c;
      std::fill(gx + y0 * a.w * a.c, gx + y1 * a.w * a.c, 0.0f);
      for (int64_t row = n * a.out_h; row < (n + 1) * a.out_h; ++row) {
        if (extent[size_t(row)].high < y0 || extent[size_t(row)].low >= y1) continue;
        for (int64_t j = 0; j < a.out_w; ++j) {
          const int64_t cell = row * a.out_w + j;
          const GridTaps t = grid_taps<float>(a, cell, row % a.out_h, j);
          if (t.y0 + 1 < y0 || t.y0 >= y1) continue;
          each_tap(a, t, [&](int64_t pixel, double weight) {
            if (pixel < y0 * a.w || pixel >= y1 * a.w) return;
            for (int64_t c = 0; c < a.c; ++c) gx[pixel * a.c + c] += float(weight) * gy[cell * a.c + c];
          });
        }
      }
    }
  });
}

void grid_pieces_ref(const Context&, const GridPieces& a) {
  visit_float(a.dtype, "grid_pieces", [&]<class T>() {
    for (int64_t cell = 0; cell < a.n * a.out_h * a.out_w; ++cell) write_grid_piece<T>(a, cell);
  });
}

void affine_grid_fwd_ref(const Context&, const AffineGrid& a) {
  visit_float(a.dtype, "affine_grid_fwd", [&]<class T>() {
    T* grid = static_cast<T*>(a.out);
    for (int64_t n = 0; n < a.n; ++n) {
      const T* theta = static_cast<const T*>(a.in) + n * 6;
      for (int64_t i = 0; i < a.h; ++i)
        for (int64_t j = 0; j < a.w; ++j) {
          const double x = centre(j, a.w, a.align_corners), y = centre(i, a.h, a.align_corners);
          for (int k = 0; k < 2; ++k) *grid++ = T(double(theta[3 * k]) * x + double(theta[3 * k + 1]) * y + double(theta[3 * k + 2]));
        }
    }
  });
}

void affine_grid_bwd_ref(const Context&, const AffineGrid& a) {
  visit_float(a.dtype, "affine_grid_bwd", [&]<class T>() {
    const T* g = static_cast<const T*>(a.in);
    for (int64_t n = 0; n < a.n; ++n) {
      double sum[6] = {};
      for (int64_t i = 0; i < a.h; ++i)
        for (int64_t j = 0; j < a.w; ++j) {
          const double x = centre(j, a.w, a.align_corners), y = centre(i, a.h, a.align_corners);
          for (int k = 0; k < 2; ++k) {
            const double v = double(*g++);
            sum[3 * k] += v * x;
            sum[3 * k + 1] += v * y;
            sum[3 * k + 2] += v;
          }
        }
      for (int k = 0; k < 6; ++k) static_cast<T*>(a.out)[n * 6 + k] = T(sum[k]);
    }
  });
}

}  // namespace kintsugi::cpu
