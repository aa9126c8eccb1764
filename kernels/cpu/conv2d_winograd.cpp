// Convolution of stride 1 by Winograd's F(m x m, r x r) (see winograd.h): the image is cut into blocks of tiles; a block's transformed
// input stays in L2 while, panel by panel of output channels, n^2 matrix products and the inverse transform run over it.
// Where x is normalised on the way in, a task walks down a strip of blocks and keeps the rows that one shares with the next, so that
// activations are computed once per element but for the edges of strips.
#include <algorithm>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/cpu/conv2d_direct.h"
#include "kernels/cpu/winograd.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kBlockFloats = 96 << 10;  // transformed input of a block: 3/8 of a 1 MB L2
constexpr int64_t kLeastTiles = 28;         // of a block, though the channels be many: two register tiles per panel of weights
constexpr int64_t kLeastTasks = 8;          // an image of fewer blocks is divided by output channels as well
constexpr int64_t kStripPixels = 32;        // rows of a strip of blocks whose input is normalised: 1/16 of them twice
constexpr int64_t kSmallInput = 1 << 20;    // floats of x up to which it is normalised beforehand: few blocks, of which several tasks share one
constexpr int64_t kNormCost = 32;           // of one element, as grain_for counts
constexpr int64_t kChunk = 64;              // input channels whose weights are transformed together, so that their taps stay in L2
constexpr int64_t kPad = 16;                // floats between planes, so that they do not start in the same cache set

struct Form {
  int64_t m, r;
  void (*input)(const WinogradInput&);
  void (*weights)(const float*, int64_t, int64_t, float*, int64_t);
  void (*output)(const WinogradOutput&);
  int64_t n() const { return m + r - 1; }
};
Form form_of(Winograd w) {
  switch (w) {
    case Winograd::f4x4_3x3: return {4, 3, KIN_SIMD_PICK(winograd4_input), KIN_SIMD_PICK(winograd4_weights), KIN_SIMD_PICK(winograd4_output)};
    case Winograd::f4x4_2x2:
      return {4, 2, KIN_SIMD_PICK(winograd4_2x2_input), KIN_SIMD_PICK(winograd4_2x2_weights), KIN_SIMD_PICK(winograd4_2x2_output)};
    case Winograd::f2x2_3x3: break;
  }
  return {2, 3, KIN_SIMD_PICK(winograd_input), KIN_SIMD_PICK(winograd_weights), KIN_SIMD_PICK(winograd_output)};
}

// Input channels [c0, c1) of one panel, whose planes of [c][columns] are `plane` apart.
void transform_weights(const Form& f, const Gemm& g, const Direct& d, int64_t o, int64_t c0, int64_t c1, float* panel, int64_t plane) {
  const int64_t outputs = std::min<int64_t>(g.columns, d.o - o), count = (c1 - c0) * g.columns, tap = count + kPad;
  const Workspace taps(f.r * f.r * tap);
  for (int64_t i = 0; i < f.r * f.r; ++i)
    g.pack(taps.data() + i * tap, g.columns, d.w + o * d.w_o + i / f.r * d.w_r + i % f.r * d.w_s + c0 * d.w_c, d.w_c, d.w_o, c1 - c0, outputs);
  f.weights(taps.data(), tap, count, panel + c0 * g.columns, plane);
}

// Tiles [column, column + columns) of a row of tiles. Where they reach over the image's border they are copied with their zeros first.
void transform_input(const Form& f, const Direct& d, const ImageView& x, int64_t row, int64_t column, int64_t columns, float* v,
                     int64_t v_tile, int64_t v_plane) {
  const int64_t m = f.m, n = f.n(), y0 = m * row - d.top;
  int64_t first = column, last = column + columns;  // tiles that lie inside
  first = std::clamp((d.left + m - 1) / m, column, last);
  last = y0 < 0 || y0 + n > x.h ? first : std::clamp((x.w + d.left + m - n) / m, first, last);
  const auto copied = [&](int64_t begin, int64_t end) {
    if (begin == end) return;
    const int64_t pixels = m * (end - begin) + n - m;
    const Workspace padded(n * pixels * x.c);
    copy_padded(padded.data(), x, y0, m * begin - d.left, n, pixels);
    f.input({padded.data(), pixels * x.c, x.c, x.c, end - begin, v + (begin - column) * v_tile, v_tile, v_plane});
  };
  copied(column, first);
  if (first < last)
    f.input({x.data + (y0 * x.w + m * first - d.left) * x.pixel, x.w * x.pixel, x.pixel, x.c, last - first, v + (first - column) * v_tile,
             v_tile, v_plane});
  copied(last, column + columns);
}

// The same from rows of x that are normalised and padded beforehand, `pixels` wide: those under `rows` rows of tiles.
void transform_rows(const Form& f, const float* x, int64_t pixels, int64_t c, int64_t rows, int64_t columns, float* v, int64_t v_tile,
                    int64_t v_plane) {
  for (int64_t r = 0; r < rows; ++r)
    f.input({x + r * f.m * pixels * c, pixels * c, c, c, columns, v + r * columns * v_tile, v_tile, v_plane});
}

// A window on the rows of x, normalised and padded, that moves down: rows it keeps are not computed again.
class Window {
 public:
  Window(float* memory, const ImageView& x, int64_t left, int64_t pixels) : memory_(memory), x_(x), left_(left), pixels_(pixels) {}
  const float* rows(int64_t begin, int64_t end) {
    const int64_t row = pixels_ * x_.c, kept = std::max<int64_t>(0, end_ - begin);
    std::copy(memory_ + (end_ - kept - begin_) * row, memory_ + (end_ - begin_) * row, memory_);
    copy_padded(memory_ + kept * row, x_, begin + kept, left_, end - begin - kept, pixels_);
    begin_ = begin, end_ = end;
    return memory_;
  }

 private:
  float* memory_;
  ImageView x_;
  int64_t left_, pixels_;
  int64_t begin_ = std::numeric_limits<int32_t>::min(), end_ = begin_;  // rows held: none
};

// All of x, normalised.
void normalise(const Direct& d, float* to) {
  const int64_t row = d.x.w * d.x.c;
  parallel_for(d.images * d.x.h, grain_for(kNormCost * row), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) copy_padded(to + i * row, d.image(i / d.x.h), i % d.x.h, 0, 1, d.x.w);
  });
}

}  // namespace

void convolve_winograd(const Gemm& g, const Direct& given, Winograd winograd) {
  const Form f = form_of(winograd);
  Direct d = given;
  const int64_t m = f.m, planes = f.n() * f.n(), c = d.x.c, panels = (d.o + g.columns - 1) / g.columns, plane = c * g.columns + kPad;
  const int64_t tile_rows = (d.out_h + m - 1) / m, tile_columns = (d.out_w + m - 1) / m;
  const int64_t wanted = std::max(kLeastTiles, kBlockFloats / (planes * c));
  const EvenTiles across(tile_columns, wanted), down(tile_rows, std::max<int64_t>(1, wanted / tile_columns));
  const int64_t widest = (tile_columns + across.count - 1) / across.count, highest = (tile_rows + down.count - 1) / down.count;
  const int64_t v_tile = c % 256 == 0 ? c + kPad : c, v_plane = highest * widest * v_tile + kPad, m_plane = highest * widest * g.columns + kPad;
  const int64_t blocks = d.images * down.count * across.count;
  const int64_t x_size = d.images * d.x.h * d.x.w * c;
  const bool beforehand = d.x.norm && x_size <= kSmallInput;
  const bool on_the_way = d.x.norm && !beforehand;
  const int64_t longest = std::max<int64_t>(1, blocks / (2 * kLeastTasks));
  const EvenTiles strips(down.count, on_the_way ? std::clamp<int64_t>(kStripPixels / (m * highest), 1, longest) : 1);
  const int64_t walks = d.images * strips.count * across.count;
  const EvenTiles shares(panels, std::max<int64_t>(1, panels * walks / kLeastTasks));  // of the panels, one per task
  const int64_t window_rows = m * highest + f.r - 1, window_pixels = m * widest + f.r - 1;

  const bool once = blocks == 1;  // then every panel is transformed where it is used
  const Workspace weights(once ? 0 : panels * planes * plane);
  const EvenTiles chunks(c, kChunk);
  const auto transform_chunk = [&](int64_t panel, int64_t chunk, float* to) {
    transform_weights(f, g, d, panel * g.columns, chunks.begin(chunk), chunks.begin(chunk + 1), to, plane);
  };
  if (!once)
    parallel_for(panels * chunks.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) transform_chunk(i / chunks.count, i % chunks.count, weights.data() + i / chunks.count * planes * plane);
    });

  const Workspace small_input(beforehand ? x_size : 0);
  if (beforehand) {
    normalise(d, small_input.data());
    d.x = {small_input.data(), d.x.h, d.x.w, c, c};
    d.x_image = d.x.h * d.x.w * c;
  }
  int64_t first_piece = 0;
  for (int64_t block = 0; d.moments && block < blocks; ++block) {
    const int64_t i = block / across.count % down.count, j = block % across.count;
    const int64_t rows = std::min(m * down.begin(i + 1), d.out_h) - m * down.begin(i);
    const int64_t columns = std::min(m * across.begin(j + 1), d.out_w) - m * across.begin(j);
    const int64_t piece = d.moments->add(block / (down.count * across.count), rows * columns);
    if (block == 0) first_piece = piece;
  }

  parallel_for(walks * shares.count, 1, [&](int64_t begin, int64_t end) {
    const Workspace v(planes * v_plane), products(planes * m_plane), own(once ? planes * plane : 0);
    const Workspace normalised(on_the_way ? window_rows * window_pixels * c : 0);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t walk = task / shares.count, share = task % shares.count;
      const int64_t image = walk / (strips.count * across.count), strip = walk / across.count % strips.count, j = walk % across.count;
      const int64_t column0 = across.begin(j), columns = across.begin(j + 1) - column0;
      const ImageView view = d.image(image);
      Window window(normalised.data(), view, m * column0 - d.left, m * columns + f.r - 1);
      for (int64_t i = strips.begin(strip); i < strips.begin(strip + 1); ++i) {
        const int64_t row0 = down.begin(i), rows = down.begin(i + 1) - row0, piece = first_piece + (image * down.count + i) * across.count + j;
        if (on_the_way) {
          const float* x = window.rows(m * row0 - d.top, m * (row0 + rows) - d.top + f.r - 1);
          transform_rows(f, x, m * columns + f.r - 1, c, rows, columns, v.data(), v_tile, v_plane);
        } else {
          for (int64_t r = 0; r < rows; ++r)
            transform_input(f, d, view, row0 + r, column0, columns, v.data() + r * columns * v_tile, v_tile, v_plane);
        }

        const EvenTiles tiles(rows * columns, g.rows);
        GemmTile t{};
        t.segments = 1;
        t.depth = c;
        t.a_row = v_tile;
        t.a_depth = 1;
        t.b_depth = g.columns;
        t.c_row = g.columns;
        for (int64_t panel = shares.begin(share); panel < shares.begin(share + 1); ++panel) {
          const int64_t o = panel * g.columns;
          const float* u = once ? own.data() : weights.data() + panel * planes * plane;
          for (int64_t chunk = 0; once && chunk < chunks.count; ++chunk) transform_chunk(panel, chunk, own.data());
          t.n = int(std::min<int64_t>(g.columns, d.o - o));
          for (int64_t xi = 0; xi < planes; ++xi) {
            t.b = u + xi * plane;
            for (int64_t k = 0; k < tiles.count; ++k) {
              t.m = int(tiles.begin(k + 1) - tiles.begin(k));
              t.a = v.data() + xi * v_plane + tiles.begin(k) * v_tile;
              t.c = products.data() + xi * m_plane + tiles.begin(k) * g.columns;
              g.tile(t);
            }
          }
          for (int64_t r = 0; r < rows; ++r) {
            const int64_t p = m * (row0 + r), q = m * column0, at = image * d.y_image + p * d.y_row + q * d.y_pixel + o;
            f.output({products.data() + r * columns * g.columns, g.columns, m_plane, t.n, d.bias ? d.bias + o : nullptr,
                      d.residual ? d.residual + at : nullptr, d.y + at, d.y_row, d.y_pixel, std::min<int64_t>(m, d.out_h - p),
                      std::min(m * columns, d.out_w - q), d.moments ? d.moments->sums(piece) + o : nullptr, d.o, r == 0});
          }
        }
      }
    }
  });
}

}  // namespace kintsugi::cpu
