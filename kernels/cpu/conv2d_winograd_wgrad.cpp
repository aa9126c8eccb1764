// conv2d_wgrad of a 3x3 kernel of stride 1 by the transpose of Winograd's F(2x2, 3x3) (see winograd.h):
//   gw = G^T [ sum over tiles (A gy A^T) (B^T d B) ] G
// 16 products of gy^T x over tiles in place of 9 over four times as many pixels. Strips of tiles have partial sums of their own, added in
// order; their number depends on the problem only.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/conv2d.h"
#include "kernels/cpu/conv2d_rows.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/winograd.h"

namespace kintsugi::cpu {

void conv2d_wgrad_fast(const Context&, const Conv2dWgrad&);

namespace {

constexpr int64_t kPlanes = 16;
constexpr int64_t kBlockTiles = 96;          // tiles summed in registers before the partial sum is touched
constexpr int64_t kBlockOutputs = 128;       // output channels of a task
constexpr int64_t kTaskTiles = 384;          // tiles that are worth a strip: every strip reads and writes its partial sum
constexpr int64_t kTasks = 16;               // at most
constexpr int64_t kPartialFloats = 4 << 20;  // all partial sums together
constexpr int64_t kPad = 16;                 // floats between tiles, so that they do not share cache sets

// The tiles of the batch: `parts` pieces of at most kBlockTiles neighbours in each row of tiles, numbered image by image, row by row.
struct Tiles {
  int64_t rows;  // of an image
  EvenTiles across;
  explicit Tiles(const ConvShape& s) : rows((s.out_h + 1) / 2), across((s.out_w + 1) / 2, kBlockTiles) {}
  int64_t widest() const { return (across.n + across.count - 1) / across.count; }
};

// u[plane][og][cg] for outputs [o0, o1) = sum over pieces [begin, end).
void sum_tiles(const Gemm& g, const ConvShape& s, const ImageView& x, const ImageView& gy, int64_t o0, int64_t og, int64_t begin, int64_t end,
               float* u) {
  const Tiles tiles(s);
  const int64_t c = x.c, o = gy.c, together = std::max<int64_t>(1, kBlockTiles / tiles.widest());
  const EvenTiles blocks(end - begin, together), outputs(o, g.rows);
  const int64_t v_tile = c + kPad, z_tile = o + kPad, most = together * tiles.widest();
  const int64_t v_plane = most * v_tile + kPad, z_plane = most * z_tile + kPad;
  const Workspace padded((2 * tiles.widest() + 2) * 4 * std::max(c, o)), v(kPlanes * v_plane + g.columns), z(kPlanes * z_plane);
  const auto transform_input = KIN_SIMD_PICK(winograd_input);
  const auto transform_gradient = KIN_SIMD_PICK(winograd_output_gradient);
  for (int64_t block = 0; block < blocks.count; ++block) {
    int64_t count = 0;
    for (int64_t piece = begin + blocks.begin(block); piece < begin + blocks.begin(block + 1); ++piece) {
      const int64_t image = piece / (tiles.rows * tiles.across.count), row = piece / tiles.across.count % tiles.rows;
      const int64_t column = tiles.across.begin(piece % tiles.across.count), n = tiles.across.begin(piece % tiles.across.count + 1) - column;
      ImageView view = x;
      view.data += image * s.h * s.w * s.c;
      copy_padded(padded.data(), view, 2 * row - s.top, 2 * column - s.left, 4, 2 * n + 2);
      transform_input({padded.data(), (2 * n + 2) * c, c, c, n, v.data() + count * v_tile, v_tile, v_plane});
      view = gy;
      view.data += image * s.out_h * s.out_w * s.o;
      copy_padded(padded.data(), view, 2 * row, 2 * column, 2, 2 * n);
      transform_gradient(padded.data(), 2 * n * o, o, n, z.data() + count * z_tile, z_tile, z_plane);
      count += n;
    }
    GemmTile t{};
    t.segments = 1;
    t.depth = count;
    t.a_row = 1;
    t.a_depth = z_tile;
    t.b_depth = v_tile;
    t.c_row = c;
    t.accumulate = block > 0;
    for (int64_t xi = 0; xi < kPlanes; ++xi)
      for (int64_t j = 0; j < c; j += g.columns) {
        t.n = int(std::min<int64_t>(g.columns, c - j));
        t.b = v.data() + xi * v_plane + j;
        for (int64_t i = 0; i < outputs.count; ++i) {
          t.m = int(outputs.begin(i + 1) - outputs.begin(i));
          t.a = z.data() + xi * z_plane + outputs.begin(i);
          t.c = u + (xi * og + o0 + outputs.begin(i)) * c + j;
          g.tile(t);
        }
      }
  }
}

}  // namespace

void conv2d_wgrad_winograd(const Context& context, const Conv2dWgrad& p) {
  const ConvShape& s = p.shape;
  if (p.gbias) {
    Conv2dWgrad bias = p;
    bias.gw = nullptr;
    conv2d_wgrad_fast(context, bias);
  }
  if (!p.gw) return;
  const Gemm g = gemm();
  const Tiles tiles(s);
  const int64_t cg = s.c / s.groups, og = s.o / s.groups, size = kPlanes * og * cg;
  const int64_t pieces = s.n * tiles.rows * tiles.across.count;
  const EvenTiles blocks(og / 16, kBlockOutputs / 16);  // in units of 16 channels, which the transforms want
  const int64_t strips_wanted = std::clamp<int64_t>(
      pieces * tiles.widest() / kTaskTiles, 1, std::max<int64_t>(1, std::min({kTasks / blocks.count, pieces, kPartialFloats / size})));
  const EvenTiles strips(pieces, (pieces + strips_wanted - 1) / strips_wanted);
  const Workspace partials(strips.count * size);
  const auto transform = KIN_SIMD_PICK(winograd_weight_gradient);
  for (int64_t group = 0; group < s.groups; ++group) {
    const ImageView x{static_cast<const float*>(p.x) + group * cg, s.h, s.w, s.c, cg};
    parallel_for(strips.count * blocks.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t strip = i / blocks.count, o0 = 16 * blocks.begin(i % blocks.count);
        const int64_t o1 = 16 * blocks.begin(i % blocks.count + 1);
        const ImageView gy{static_cast<const float*>(p.gy) + group * og + o0, s.out_h, s.out_w, s.o, o1 - o0};
        sum_tiles(g, s, x, gy, o0, og, strips.begin(strip), strips.begin(strip + 1), partials.data() + strip * size);
      }
    });
    parallel_for(og, grain_for(strips.count * kPlanes * cg), [&](int64_t begin, int64_t end) {
      const Workspace sum(kPlanes * cg);
      for (int64_t o = begin; o < end; ++o) {
        for (int64_t xi = 0; xi < kPlanes; ++xi) {
          const float* from = partials.data() + (xi * og + o) * cg;
          float* to = sum.data() + xi * cg;
          std::copy_n(from, cg, to);
          for (int64_t strip = 1; strip < strips.count; ++strip)
            for (int64_t ch = 0; ch < cg; ++ch) to[ch] += from[strip * size + ch];
        }
        transform(sum.data(), cg, cg, static_cast<float*>(p.gw) + (group * og + o) * 9 * cg, 3 * cg, cg);
      }
    });
  }
}

}  // namespace kintsugi::cpu
