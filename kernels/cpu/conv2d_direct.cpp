// The image is cut into blocks, a block's input is copied zero-padded into the workspace, and the micro-kernel reads the pixels under each
// kernel row from there as rows of A (see gemm.h).
#include "kernels/cpu/conv2d_direct.h"

#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kBlockFloats = 48 << 10;   // a block's input: a fifth of a 1 MB L2
constexpr int64_t kBlockColumns = 112;       // 8 tiles of 14 pixels
constexpr int64_t kPanelFloats = 64 << 10;   // weights of one panel that stay in L2 while a block passes
constexpr int64_t kSmall = 1 << 16;          // multiply-adds below which one thread does it all

}  // namespace

void convolve(const Gemm& g, const Direct& d) {
  if (d.out_h <= 0 || d.out_w <= 0) return;
  const int64_t c = d.x.c, depth = d.kh * d.kw * c;
  // With no dilation the pixels under a kernel row are one run of kw * c floats.
  const bool rows_run = d.dilation_w == 1;
  const int64_t run = rows_run ? d.kw * c : c;
  const int64_t segments = depth == 0 ? 0 : depth / run;
  const int64_t together = std::clamp<int64_t>(kPanelFloats / std::max<int64_t>(1, run * g.columns), 1, std::max<int64_t>(1, segments));

  const EvenTiles across(d.out_w, kBlockColumns);
  const int64_t widest = (d.out_w + across.count - 1) / across.count;
  const int64_t columns_max = extent(widest, d.stride_w, d.kw, d.dilation_w);
  const auto floats = [&](int64_t rows) { return extent(rows, d.stride_h, d.kh, d.dilation_h) * columns_max * c; };
  int64_t block_rows = 1;
  while (block_rows < d.out_h && floats(block_rows + 1) <= kBlockFloats && block_rows * widest < 4 * kBlockColumns) ++block_rows;
  const int64_t down = (d.out_h + block_rows - 1) / block_rows;
  const int64_t blocks = d.images * down * across.count;

  const int64_t panels = (d.o + g.columns - 1) / g.columns;
  const Workspace packed(panels * g.columns * depth);
  const int64_t taps = d.kh * d.kw;
  parallel_for(panels * taps, grain_for(4 * c * g.columns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t o = i / taps * g.columns, tap = i % taps;
      g.pack(packed.data() + i * c * g.columns, g.columns, d.w + o * d.w_o + tap / d.kw * d.w_r + tap % d.kw * d.w_s, d.w_c, d.w_o, c,
             std::min<int64_t>(g.columns, d.o - o));
    }
  });

  const bool small = d.images * d.out_h * d.out_w * depth * d.o <= kSmall;

  parallel_for(blocks, small ? blocks : 1, [&](int64_t begin, int64_t end) {
    const Workspace padded(floats(block_rows));
    std::vector<int64_t> a_segment(segments), b_segment(segments);
    for (int64_t s = 0; s < segments; ++s) b_segment[s] = s * run * g.columns;
    for (int64_t block = begin; block < end; ++block) {
      const int64_t image = block / (down * across.count), p0 = block / across.count % down * block_rows;
      const int64_t q0 = across.begin(block % across.count), q1 = across.begin(block % across.count + 1);
      const int64_t rows = std::min(block_rows, d.out_h - p0);
      const int64_t columns = extent(q1 - q0, d.stride_w, d.kw, d.dilation_w);
      copy_padded(padded.data(), d.image(image), p0 * d.stride_h - d.top, q0 * d.stride_w - d.left,
                  extent(rows, d.stride_h, d.kh, d.dilation_h), columns);
      for (int64_t s = 0; s < segments; ++s)
        a_segment[s] = rows_run ? s * d.dilation_h * columns * c
                                : (s / d.kw * d.dilation_h * columns + s % d.kw * d.dilation_w) * c;
      const EvenTiles tiles(q1 - q0, g.rows);
      GemmTile t{};
      t.depth = run;
      t.a_row = d.stride_w * c;
      t.a_depth = 1;
      t.b_depth = g.columns;
      t.c_row = d.y_pixel;
      for (int64_t s = 0; s == 0 || s < segments; s += together) {
        t.segments = int(std::min(together, segments - s));
        t.a_segment = a_segment.data() + s;
        t.b_segment = b_segment.data() + s;
        t.accumulate = d.accumulate || s > 0;
        for (int64_t o = 0; o < d.o; o += g.columns) {
          t.n = int(std::min<int64_t>(g.columns, d.o - o));
          t.b = packed.data() + o * depth;
          t.bias = d.bias && s == 0 ? d.bias + o : nullptr;
          for (int64_t p = 0; p < rows; ++p)
            for (int64_t i = 0; i < tiles.count; ++i) {
              const int64_t q = tiles.begin(i);
              t.m = int(tiles.begin(i + 1) - q);
              t.a = padded.data() + (p * d.stride_h * columns + q * d.stride_w) * c;
              t.c = d.y + image * d.y_image + (p0 + p) * d.y_row + (q0 + q) * d.y_pixel + o;
              g.tile(t);
            }
        }
      }
    }
  });
}

}  // namespace kintsugi::cpu
