// conv2d_wgrad, f32: gw = gy^T x over pixels. The output rows are cut into strips whose number depends on the problem only; every
// strip has its own partial sum, and the partial sums are added in order, so the bits do not depend on the number of threads.
#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/conv2d.h"
#include "kernels/cpu/conv2d_rows.h"
#include "kernels/cpu/gemm.h"

namespace kintsugi::cpu {

void depthwise_wgrad(const Conv2dWgrad&);  // gw only

namespace {

constexpr int64_t kTaskWork = 1 << 22;       // multiply-adds that are worth a task of their own
constexpr int64_t kBiasWork = 64;            // an addition that waits for memory, in multiply-adds from cache
constexpr int64_t kTasks = 32;               // at most; enough for the threads of a large machine to find work
constexpr int64_t kTaskPixels = 512;         // likewise: every task reads and writes its partial sum
constexpr int64_t kBlockOutputs = 56;        // output channels of a task: gy of a chunk stays in L1
constexpr int64_t kPartialFloats = 4 << 20;  // all partial sums together
constexpr int64_t kChunkPixels = 256;        // pixels summed in registers before the partial sum is touched
constexpr int64_t kChunkFloats = 192 << 10;  // x of a chunk, unless one row is more

struct Group {
  ImageView x;      // of image 0
  const float* gy;  // channel 0 of the group
  int64_t cg, og;
};

// What one task computes: for outputs [o0, o1), the sum over output rows [begin, end) of the batch.
struct Part {
  int64_t begin, end, o0, o1;
  float* gw;      // [og][kh][kw][cg], all outputs of the group
  double* gbias;  // [og]
};

void add_bias(const ConvShape& s, const Group& group, const Part& part) {
  std::vector<float> row_sum(part.o1 - part.o0);  // f32 within a row, f64 beyond
  for (int64_t row = part.begin; row < part.end; ++row) {
    std::fill(row_sum.begin(), row_sum.end(), 0.0f);
    const float* gy = group.gy + row * s.out_w * s.o + part.o0;
    for (int64_t q = 0; q < s.out_w; ++q, gy += s.o)
      for (size_t o = 0; o < row_sum.size(); ++o) row_sum[o] += gy[o];
    for (size_t o = 0; o < row_sum.size(); ++o) part.gbias[part.o0 + o] += row_sum[o];
  }
}

// Chunks of rows (several small images, or part of a wide row) are copied: x zero-padded, gy cut into tiles of output channels. Then for
// every kernel row the pixels are the depth of a product of gy^T with the kw * cg neighbouring floats of x that a pixel meets.
void add_weights(const Gemm& g, const ConvShape& s, const Group& group, const Part& part) {
  const int64_t cg = group.cg, depth = s.kh * s.kw * cg, reach = (s.kh - 1) * s.dilation_h + 1;
  const bool rows_run = s.dilation_w == 1;  // else a run is the cg floats of one tap
  const int64_t run = rows_run ? s.kw * cg : cg, runs = depth / run;
  const EvenTiles across(s.out_w, kChunkPixels), tiles(part.o1 - part.o0, g.rows);
  const auto in_columns = [&](int64_t columns) { return (columns - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1; };
  const int64_t widest = (s.out_w + across.count - 1) / across.count, row_floats = in_columns(widest) * cg;
  const int64_t most_rows = std::clamp<int64_t>(kChunkPixels / widest, 1, std::max<int64_t>(1, kChunkFloats / (row_floats * s.stride_h)));
  const int64_t most_images = (most_rows - 1) / s.out_h + 2;
  // The last register of B may reach past the last pixel.
  const Workspace padded((most_rows * s.stride_h + most_images * reach) * row_floats + g.columns);
  // Copying gy pays when many products use the copy, and where its pixels are so far apart that they share cache sets.
  const bool pack = runs * ((run + g.columns - 1) / g.columns) > 8 || s.o % 256 == 0;
  const Workspace packed(pack ? tiles.count * g.rows * most_rows * widest : 0);
  std::vector<int64_t> a_segment(most_rows), b_segment(most_rows);

  const EvenTiles chunks(part.end - part.begin, most_rows);
  for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    const int64_t row = part.begin + chunks.begin(chunk), rows = chunks.begin(chunk + 1) - chunks.begin(chunk);
    for (int64_t q = 0; q < across.count; ++q) {
      const int64_t q0 = across.begin(q), width = across.begin(q + 1) - q0, columns = in_columns(width);
      float* to = padded.data();
      for (int64_t i = 0; i < rows;) {
        const int64_t image = (row + i) / s.out_h, p0 = (row + i) % s.out_h, here = std::min(rows - i, s.out_h - p0);
        const int64_t in_rows = (here - 1) * s.stride_h + reach;
        ImageView view = group.x;
        view.data += image * s.h * s.w * s.c;
        copy_padded(to, view, p0 * s.stride_h - s.top, q0 * s.stride_w - s.left, in_rows, columns);
        for (const int64_t end = i + here; i < end; ++i) {
          a_segment[i] = i * (pack ? width * g.rows : s.out_w * s.o);
          b_segment[i] = to - padded.data() + (i + here - end) * s.stride_h * columns * cg;
        }
        to += in_rows * columns * cg;
      }
      std::fill_n(to, g.columns, 0.0f);
      const float* gy = group.gy + (row * s.out_w + q0) * s.o + part.o0;
      const int64_t tile_floats = g.rows * rows * width;
      for (int64_t i = 0; pack && i < tiles.count; ++i)
        for (int64_t p = 0; p < rows; ++p)
          g.pack(packed.data() + i * tile_floats + a_segment[p], g.rows, gy + p * s.out_w * s.o + tiles.begin(i), s.o, 1, width,
                 tiles.begin(i + 1) - tiles.begin(i));
      GemmTile t{};
      t.segments = int(rows);
      t.depth = width;
      t.a_segment = a_segment.data();
      t.a_row = 1;
      t.a_depth = pack ? g.rows : s.o;
      t.b_segment = b_segment.data();
      t.b_depth = s.stride_w * cg;
      t.c_row = depth;
      t.accumulate = chunk > 0 || q > 0;
      for (int64_t r = 0; r < runs; ++r) {
        const int64_t offset = rows_run ? r * s.dilation_h * columns * cg
                                        : (r / s.kw * s.dilation_h * columns + r % s.kw * s.dilation_w) * cg;
        for (int64_t j = 0; j < run; j += g.columns) {
          t.n = int(std::min<int64_t>(g.columns, run - j));
          t.b = padded.data() + offset + j;
          for (int64_t i = 0; i < tiles.count; ++i) {
            t.m = int(tiles.begin(i + 1) - tiles.begin(i));
            t.a = pack ? packed.data() + i * tile_floats : gy + tiles.begin(i);
            t.c = part.gw + (part.o0 + tiles.begin(i)) * depth + r * run + j;
            g.tile(t);
          }
        }
      }
    }
  }
}

}  // namespace

void conv2d_wgrad_fast(const Context&, const Conv2dWgrad& p) {
  const ConvShape& s = p.shape;
  float *gw = static_cast<float*>(p.gw), *gbias = static_cast<float*>(p.gbias);
  const int64_t rows = s.n * s.out_h, pixels = rows * s.out_w;
  if (pixels == 0) {
    if (gw) std::fill_n(gw, s.o * s.kh * s.kw * (s.c / s.groups), 0.0f);
    if (gbias) std::fill_n(gbias, s.o, 0.0f);
    return;
  }
  if (gw && s.groups > 1 && s.c == s.groups && s.o == s.groups) {
    depthwise_wgrad(p);
    gw = nullptr;
  }
  if (!gw && !gbias) return;
  const int64_t groups = gw ? s.groups : 1;  // the bias knows no groups
  const int64_t cg = s.c / groups, og = s.o / groups, size = gw ? og * s.kh * s.kw * cg : og;
  const Gemm g = gemm();
  const EvenTiles blocks(og, kBlockOutputs);
  const int64_t most = std::max<int64_t>(
      1, std::min({kTasks / blocks.count, rows, pixels / kTaskPixels, kPartialFloats / std::max<int64_t>(1, size)}));
  const int64_t wanted = std::clamp<int64_t>((gw ? 1 : kBiasWork) * pixels * size / kTaskWork / blocks.count, 1, most);
  const EvenTiles strips(rows, (rows + wanted - 1) / wanted);
  const bool partial = strips.count > 1;
  const Workspace partials(gw && partial ? strips.count * size : 0);
  std::vector<double> bias(gbias ? strips.count * og : 0);
  for (int64_t group = 0; group < groups; ++group) {
    const Group view{{static_cast<const float*>(p.x) + group * cg, s.h, s.w, s.c, cg},
                     static_cast<const float*>(p.gy) + group * og, cg, og};
    float* sum = gw ? gw + group * size : nullptr;
    std::fill(bias.begin(), bias.end(), 0.0);
    parallel_for(strips.count * blocks.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t strip = i / blocks.count, block = i % blocks.count;
        const Part part{strips.begin(strip), strips.begin(strip + 1), blocks.begin(block), blocks.begin(block + 1),
                        partial ? partials.data() + strip * size : sum, gbias ? bias.data() + strip * og : nullptr};
        if (gw) add_weights(g, s, view, part);
        if (gbias) add_bias(s, view, part);
      }
    });
    if (gw && partial)
      parallel_for(size, grain_for(strips.count), [&](int64_t begin, int64_t end) {
        std::copy(partials.data() + begin, partials.data() + end, sum + begin);
        for (int64_t i = 1; i < strips.count; ++i)
          for (int64_t e = begin; e < end; ++e) sum[e] += partials.data()[i * size + e];
      });
    for (int64_t o = 0; gbias && o < og; ++o) {
      double total = 0;
      for (int64_t i = 0; i < strips.count; ++i) total += bias[i * og + o];
      gbias[group * og + o] = float(total);
    }
  }
}

}  // namespace kintsugi::cpu
