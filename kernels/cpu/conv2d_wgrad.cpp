// conv2d_wgrad, f32: gw = gy^T x over pixels. The output rows are cut into strips whose number depends on the problem only; every
// strip has its own partial sum and the partial sums are added in order, so the bits do not depend on the number of threads.
#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/conv2d.h"
#include "kernels/cpu/conv2d_rows.h"
#include "kernels/cpu/gemm.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kStripWork = 1 << 22;        // multiply-adds that are worth a strip
constexpr int64_t kMaxStrips = 32;
constexpr int64_t kPartialFloats = 12 << 20;   // all partial sums together
constexpr int64_t kChunkFloats = 48 << 10;     // x and gy of the rows worked on at a time, in L2
constexpr int64_t kChunkColumns = 128;

struct Group {
  ImageView x;      // of image 0
  const float* gy;  // channel 0 of the group
  int64_t cg, og;
};

// partial[og][kh][kw][cg] = sum over output rows [begin, end) of the batch; bias[og] likewise, in f64.
void strip(const Gemm& g, const ConvShape& s, const Group& group, int64_t begin, int64_t end, float* partial, double* bias) {
  const int64_t cg = group.cg, og = group.og, depth = s.kh * s.kw * cg;
  // With no dilation the pixels under a kernel row are one run of kw * cg floats: columns of one product.
  const bool rows_run = s.dilation_w == 1;
  const int64_t run = rows_run ? s.kw * cg : cg, runs = depth / run;
  const EvenTiles across(s.out_w, kChunkColumns), tiles(og, g.rows);
  const int64_t widest = (s.out_w + across.count - 1) / across.count;
  const auto in_rows = [&](int64_t rows) { return (rows - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1; };
  const auto in_columns = [&](int64_t columns) { return (columns - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1; };
  const auto floats = [&](int64_t rows) { return in_rows(rows) * in_columns(widest) * cg; };
  int64_t chunk = 1;
  while (chunk < s.out_h && floats(chunk + 1) + (chunk + 1) * widest * og <= kChunkFloats) ++chunk;

  const Workspace padded(floats(chunk) + g.columns);  // the last register of B may reach past the last pixel
  std::fill_n(padded.data() + floats(chunk), g.columns, 0.0f);
  std::vector<int64_t> a_segment(chunk), b_segment(chunk);
  std::vector<float> row_sum(og);
  bool first = true;
  for (int64_t row = begin; row < end;) {
    const int64_t image = row / s.out_h, p0 = row % s.out_h;
    const int64_t rows = std::min({chunk, end - row, s.out_h - p0});
    for (int64_t part = 0; part < across.count; ++part, first = false) {
      const int64_t q0 = across.begin(part), q1 = across.begin(part + 1), columns = in_columns(q1 - q0);
      const float* gy = group.gy + (row * s.out_w + q0) * s.o;
      for (int64_t p = 0; bias && p < rows; ++p) {
        std::fill(row_sum.begin(), row_sum.end(), 0.0f);
        for (int64_t q = 0; q < q1 - q0; ++q)
          for (int64_t o = 0; o < og; ++o) row_sum[o] += gy[(p * s.out_w + q) * s.o + o];
        for (int64_t o = 0; o < og; ++o) bias[o] += row_sum[o];
      }
      if (!partial) continue;
      ImageView view = group.x;
      view.data += image * s.h * s.w * s.c;
      copy_padded(padded.data(), view, p0 * s.stride_h - s.top, q0 * s.stride_w - s.left, in_rows(rows), columns);
      for (int64_t p = 0; p < rows; ++p) {
        a_segment[p] = p * s.out_w * s.o;
        b_segment[p] = p * s.stride_h * columns * cg;
      }
      GemmTile t{};
      t.segments = int(rows);
      t.depth = q1 - q0;
      t.a_segment = a_segment.data();
      t.a_row = 1;
      t.a_depth = s.o;
      t.b_segment = b_segment.data();
      t.b_depth = s.stride_w * cg;
      t.c_row = depth;
      t.accumulate = !first;
      for (int64_t r = 0; r < runs; ++r) {
        const int64_t offset = rows_run ? r * s.dilation_h * columns * cg
                                        : (r / s.kw * s.dilation_h * columns + r % s.kw * s.dilation_w) * cg;
        for (int64_t j = 0; j < run; j += g.columns) {
          t.n = int(std::min<int64_t>(g.columns, run - j));
          t.b = padded.data() + offset + j;
          for (int64_t i = 0; i < tiles.count; ++i) {
            const int64_t o = tiles.begin(i);
            t.m = int(tiles.begin(i + 1) - o);
            t.a = gy + o;
            t.c = partial + o * depth + r * run + j;
            g.tile(t);
          }
        }
      }
    }
    row += rows;
  }
}

}  // namespace

void conv2d_wgrad_fast(const Context&, const Conv2dWgrad& p) {
  const ConvShape& s = p.shape;
  const int64_t cg = s.c / s.groups, og = s.o / s.groups, size = og * s.kh * s.kw * cg;
  float *gw = static_cast<float*>(p.gw), *gbias = static_cast<float*>(p.gbias);
  const int64_t rows = s.n * s.out_h, pixels = rows * s.out_w;
  if (pixels == 0) {
    if (gw) std::fill_n(gw, s.groups * size, 0.0f);
    if (gbias) std::fill_n(gbias, s.o, 0.0f);
    return;
  }
  const Gemm g = gemm();
  const int64_t most = std::max<int64_t>(1, std::min({kMaxStrips, rows, kPartialFloats / std::max<int64_t>(1, size)}));
  const int64_t wanted = std::clamp<int64_t>(pixels * size / kStripWork, 1, most);
  const EvenTiles strips(rows, (rows + wanted - 1) / wanted);
  const Workspace partials(gw ? strips.count * size : 0);
  std::vector<double> bias(gbias ? strips.count * og : 0);
  for (int64_t group = 0; group < s.groups; ++group) {
    const Group view{{static_cast<const float*>(p.x) + group * cg, s.h, s.w, s.c, cg},
                     static_cast<const float*>(p.gy) + group * og, cg, og};
    std::fill(bias.begin(), bias.end(), 0.0);
    parallel_for(strips.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        strip(g, s, view, strips.begin(i), strips.begin(i + 1), gw ? partials.data() + i * size : nullptr,
              gbias ? bias.data() + i * og : nullptr);
    });
    if (gw)
      parallel_for(size, grain_for(strips.count), [&](int64_t begin, int64_t end) {
        float* sum = gw + group * size;
        std::copy(partials.data() + begin, partials.data() + end, sum + begin);
        for (int64_t i = 1; i < strips.count; ++i)
          for (int64_t e = begin; e < end; ++e) sum[e] += partials.data()[i * size + e];
      });
    for (int64_t o = 0; gbias && o < og; ++o) {
      double sum = 0;
      for (int64_t i = 0; i < strips.count; ++i) sum += bias[i * og + o];
      gbias[group * og + o] = float(sum);
    }
  }
}

}  // namespace kintsugi::cpu
