// y[p, q, o] = sum over taps (r, s) of z[p + r, q + s, (r, s, o)] with z = x w: a product whose columns are all pairs of tap and output
// (27 for a 3x3 convolution to RGB), then a sum of shifted columns.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/cpu/conv2d_direct.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kBlockFloats = 96 << 10;  // x and z of a block, in L2
constexpr int64_t kBlockColumns = 128;

// Panels of [c][columns], column (r * kw + s) * o + output.
void pack_taps(float* packed, int64_t width, const Direct& d) {
  for (int64_t r = 0; r < d.kh; ++r)
    for (int64_t s = 0; s < d.kw; ++s)
      for (int64_t o = 0; o < d.o; ++o) {
        const int64_t column = (r * d.kw + s) * d.o + o;
        float* to = packed + column / width * width * d.x.c + column % width;
        const float* from = d.w + o * d.w_o + r * d.w_r + s * d.w_s;
        for (int64_t c = 0; c < d.x.c; ++c) to[c * width] = from[c * d.w_c];
      }
}

}  // namespace

void convolve_few_outputs(const Gemm& g, const Direct& d) {
  if (d.out_h <= 0 || d.out_w <= 0) return;
  const int64_t c = d.x.c, z_pixel = (d.kh * d.kw * d.o + g.columns - 1) / g.columns * g.columns;
  const Workspace packed(z_pixel * c);
  std::fill_n(packed.data(), z_pixel * c, 0.0f);
  pack_taps(packed.data(), g.columns, d);

  const EvenTiles across(d.out_w, kBlockColumns);
  const int64_t row_pixels = extent((d.out_w + across.count - 1) / across.count, 1, d.kw, d.dilation_w);
  const int64_t rows_in_l2 = kBlockFloats / (row_pixels * (c + z_pixel));
  const int64_t block_rows = std::clamp<int64_t>(rows_in_l2 - (d.kh - 1) * d.dilation_h, 1, d.out_h);
  const EvenTiles down(d.out_h, block_rows);
  parallel_for(d.images * down.count * across.count, 1, [&](int64_t begin, int64_t end) {
    const int64_t most_pixels = extent(block_rows, 1, d.kh, d.dilation_h) * row_pixels;
    const Workspace padded(most_pixels * c), z(most_pixels * z_pixel);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t image = block / (down.count * across.count), i = block / across.count % down.count, j = block % across.count;
      const int64_t p0 = down.begin(i), p1 = down.begin(i + 1), q0 = across.begin(j), q1 = across.begin(j + 1);
      const int64_t rows = extent(p1 - p0, 1, d.kh, d.dilation_h), columns = extent(q1 - q0, 1, d.kw, d.dilation_w);
      copy_padded(padded.data(), d.image(image), p0 - d.top, q0 - d.left, rows, columns);
      const EvenTiles tiles(rows * columns, g.rows);
      GemmTile t{};
      t.n = g.columns;
      t.segments = 1;
      t.depth = c;
      t.a_row = c;
      t.a_depth = 1;
      t.b_depth = g.columns;
      t.c_row = z_pixel;
      for (int64_t column = 0; column < z_pixel; column += g.columns)
        for (int64_t k = 0; k < tiles.count; ++k) {
          t.m = int(tiles.begin(k + 1) - tiles.begin(k));
          t.a = padded.data() + tiles.begin(k) * c;
          t.b = packed.data() + column * c;
          t.c = z.data() + tiles.begin(k) * z_pixel + column;
          g.tile(t);
        }
      for (int64_t p = p0; p < p1; ++p)
        for (int64_t q = q0; q < q1; ++q) {
          float sum[kFewOutputs] = {};
          for (int64_t r = 0; r < d.kh; ++r)
            for (int64_t s = 0; s < d.kw; ++s) {
              const float* part =
                  z.data() + ((p - p0 + r * d.dilation_h) * columns + q - q0 + s * d.dilation_w) * z_pixel + (r * d.kw + s) * d.o;
              for (int64_t o = 0; o < d.o; ++o) sum[o] += part[o];
            }
          float* y = d.y + image * d.y_image + p * d.y_row + q * d.y_pixel;
          for (int64_t o = 0; o < d.o; ++o) y[o] = sum[o] + (d.bias ? d.bias[o] : 0.0f) + (d.accumulate ? y[o] : 0.0f);
        }
    }
  });
}

}  // namespace kintsugi::cpu
