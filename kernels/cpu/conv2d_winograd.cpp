// 3x3 convolution of stride 1 by Winograd's F(2x2, 3x3) (see winograd.h): the image is cut into blocks of tiles; a block's transformed
// input stays in L2 while, panel by panel of output channels, 16 matrix products and the inverse transform run over it.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/cpu/conv2d_direct.h"
#include "kernels/cpu/winograd.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kPlanes = 16;
constexpr int64_t kBlockFloats = 96 << 10;  // transformed input of a block: 3/8 of a 1 MB L2
constexpr int64_t kLeastTiles = 28;         // of a block, though the channels be many: two register tiles per panel of weights
constexpr int64_t kPad = 16;                // floats between planes, so that they do not start in the same cache set

// [panel][plane][c][columns].
void transform_weights(const Gemm& g, const Direct& d, float* packed) {
  const int64_t c = d.x.c, panels = (d.o + g.columns - 1) / g.columns, plane = c * g.columns;
  const auto transform = KIN_SIMD_PICK(winograd_weights);
  parallel_for(panels, 1, [&](int64_t begin, int64_t end) {
    const Workspace rows(d.w_o == 1 ? 0 : kPlanes * plane);
    for (int64_t j = begin; j < end; ++j) {
      const int64_t o0 = j * g.columns, n = std::min<int64_t>(g.columns, d.o - o0);
      float* panel = packed + j * kPlanes * plane;
      if (d.w_o == 1) {  // the outputs lie side by side, as the panel wants them
        if (n < g.columns) std::fill_n(panel, kPlanes * plane, 0.0f);
        for (int64_t k = 0; k < c; ++k) transform(d.w + o0 + k * d.w_c, d.w_r, d.w_s, n, panel + k * g.columns, plane);
      } else {
        for (int64_t o = 0; o < n; ++o) transform(d.w + (o0 + o) * d.w_o, d.w_r, d.w_s, c, rows.data() + o * c, plane);
        for (int64_t xi = 0; xi < kPlanes; ++xi) g.pack(panel + xi * plane, g.columns, rows.data() + xi * plane, 1, c, c, n);
      }
    }
  });
}

}  // namespace

void convolve_winograd(const Gemm& g, const Direct& d) {
  const int64_t c = d.x.c, panels = (d.o + g.columns - 1) / g.columns, plane = c * g.columns;
  const Workspace weights(panels * kPlanes * plane);
  transform_weights(g, d, weights.data());

  const int64_t tile_rows = (d.out_h + 1) / 2, tile_columns = (d.out_w + 1) / 2;
  const int64_t wanted = std::max(kLeastTiles, kBlockFloats / (kPlanes * c));
  const EvenTiles across(tile_columns, wanted), down(tile_rows, std::max<int64_t>(1, wanted / tile_columns));
  const int64_t widest = (tile_columns + across.count - 1) / across.count, highest = (tile_rows + down.count - 1) / down.count;
  const int64_t v_tile = c % 256 == 0 ? c + kPad : c, v_plane = highest * widest * v_tile + kPad, m_plane = highest * widest * g.columns + kPad;
  const auto transform_input = KIN_SIMD_PICK(winograd_input);
  const auto transform_output = KIN_SIMD_PICK(winograd_output);

  parallel_for(d.images * down.count * across.count, 1, [&](int64_t begin, int64_t end) {
    const Workspace padded((2 * highest + 2) * (2 * widest + 2) * c), v(kPlanes * v_plane), m(kPlanes * m_plane);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t image = block / (down.count * across.count), i = block / across.count % down.count, j = block % across.count;
      const int64_t row0 = down.begin(i), rows = down.begin(i + 1) - row0, column0 = across.begin(j), columns = across.begin(j + 1) - column0;
      const int64_t x_row = (2 * columns + 2) * c;
      ImageView view = d.x;
      view.data += image * d.x_image;
      copy_padded(padded.data(), view, 2 * row0 - d.top, 2 * column0 - d.left, 2 * rows + 2, 2 * columns + 2);
      for (int64_t r = 0; r < rows; ++r)
        transform_input(padded.data() + 2 * r * x_row, x_row, c, columns, v.data() + r * columns * v_tile, v_tile, v_plane);

      const EvenTiles tiles(rows * columns, g.rows);
      GemmTile t{};
      t.segments = 1;
      t.depth = c;
      t.a_row = v_tile;
      t.a_depth = 1;
      t.b_depth = g.columns;
      t.c_row = g.columns;
      for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t o = panel * g.columns;
        t.n = int(std::min<int64_t>(g.columns, d.o - o));
        for (int64_t xi = 0; xi < kPlanes; ++xi) {
          t.b = weights.data() + (panel * kPlanes + xi) * plane;
          for (int64_t k = 0; k < tiles.count; ++k) {
            t.m = int(tiles.begin(k + 1) - tiles.begin(k));
            t.a = v.data() + xi * v_plane + tiles.begin(k) * v_tile;
            t.c = m.data() + xi * m_plane + tiles.begin(k) * g.columns;
            g.tile(t);
          }
        }
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t p = 2 * (row0 + r), q = 2 * column0;
          transform_output({m.data() + r * columns * g.columns, g.columns, m_plane, t.n, d.bias ? d.bias + o : nullptr,
                            d.y + image * d.y_image + p * d.y_row + q * d.y_pixel + o, d.y_row, d.y_pixel, std::min<int64_t>(2, d.out_h - p),
                            std::min(2 * columns, d.out_w - q)});
        }
      }
    }
  });
}

}  // namespace kintsugi::cpu
