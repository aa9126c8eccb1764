// conv2d_fwd and conv2d_dgrad, f32: the image is cut into blocks, a block's input is copied zero-padded into scratch, and the
// micro-kernel reads the pixels under each kernel row from there as rows of A (see gemm.h).
#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/conv2d.h"
#include "kernels/cpu/conv2d_rows.h"
#include "kernels/cpu/gemm.h"
#include "kernels/matmul.h"

namespace kintsugi::cpu {

void matmul_fast(const Context&, const Matmul&);

namespace {

constexpr int64_t kBlockFloats = 48 << 10;   // a block's input: a fifth of a 1 MB L2
constexpr int64_t kBlockColumns = 112;       // 8 tiles of 14 pixels
constexpr int64_t kPanelFloats = 64 << 10;   // weights of one panel that stay in L2 while a block passes
constexpr int64_t kSmall = 1 << 16;          // multiply-adds below which one thread does it all

// One channel group of a convolution with packed weights; the output may be every stride-th pixel of a larger image.
struct Direct {
  ImageView x;               // of image 0
  int64_t images, x_image;   // floats from one image to the next
  int64_t kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left;
  const float* weights;      // panels of [kh * kw * c][columns]
  const float* bias;         // [o] or null
  float* y;
  int64_t out_h, out_w, o, y_image, y_row, y_pixel;
};

int64_t extent(int64_t outputs, int64_t stride, int64_t taps, int64_t dilation) {
  return taps == 0 ? 0 : (outputs - 1) * stride + (taps - 1) * dilation + 1;
}

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
      ImageView view = d.x;
      view.data += image * d.x_image;
      copy_padded(padded.data(), view, p0 * d.stride_h - d.top, q0 * d.stride_w - d.left,
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
        t.accumulate = s > 0;
        for (int64_t o = 0; o < d.o; o += g.columns) {
          t.n = int(std::min<int64_t>(g.columns, d.o - o));
          t.b = d.weights + o * depth;
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

// Every output pixel is a dot product of one whole row of x with the weights: a kernel of one tap, or as large as the image.
bool is_product(const ConvShape& s) {
  if (s.groups != 1 || s.top != 0 || s.left != 0) return false;
  const bool pixel = s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.out_h == s.h && s.out_w == s.w;
  const bool image = s.kh == s.h && s.kw == s.w && s.dilation_h == 1 && s.dilation_w == 1 && s.out_h == 1 && s.out_w == 1;
  return pixel || image;
}

// The part of a stride along one axis that input positions of one phase see: position = first + stride * index, taps
// phase, phase + stride, ... in falling order, `before` zeros in front of gy.
struct Phase {
  int64_t phase, taps, first, count, before;
  Phase(int64_t which, int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) : phase(which) {
    taps = phase < kernel ? (kernel - phase + stride - 1) / stride : 0;
    // size index q of padded position stride * q + phase; the first one inside the image
    const int64_t q0 = (pad - phase + stride - 1 + stride * (size + kernel)) / stride - (size + kernel);
    first = stride * q0 + phase - pad;
    count = first < size ? (size - first + stride - 1) / stride : 0;
    before = (taps - 1) * dilation - q0;
  }
  int64_t tap(int64_t i, int64_t stride) const { return phase + stride * (taps - 1 - i); }
};

}  // namespace

void conv2d_fwd_fast(const Context& context, const Conv2dFwd& p) {
  const ConvShape& s = p.shape;
  const int64_t cg = s.c / s.groups, og = s.o / s.groups, depth = s.kh * s.kw * cg;
  if (is_product(s)) {
    Matmul product{p.x, p.w, p.y, p.bias};
    product.m = s.n * s.out_h * s.out_w;
    product.n = s.o;
    product.k = depth;
    product.tb = true;
    return matmul_fast(context, product);
  }
  const Gemm g = gemm();
  const int64_t panels = (og + g.columns - 1) / g.columns;
  const Workspace packed(panels * g.columns * depth);
  const float* w = static_cast<const float*>(p.w);
  for (int64_t group = 0; group < s.groups; ++group) {
    parallel_for(panels, grain_for(4 * depth * g.columns), [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j)
        g.pack(packed.data() + j * g.columns * depth, g.columns, w + (group * og + j * g.columns) * depth, 1, depth, depth,
               std::min<int64_t>(g.columns, og - j * g.columns));
    });
    Direct d{};
    d.x = {static_cast<const float*>(p.x) + group * cg, s.h, s.w, s.c, cg};
    d.images = s.n;
    d.x_image = s.h * s.w * s.c;
    d.kh = s.kh;
    d.kw = s.kw;
    d.stride_h = s.stride_h;
    d.stride_w = s.stride_w;
    d.dilation_h = s.dilation_h;
    d.dilation_w = s.dilation_w;
    d.top = s.top;
    d.left = s.left;
    d.weights = packed.data();
    d.bias = p.bias ? static_cast<const float*>(p.bias) + group * og : nullptr;
    d.y = static_cast<float*>(p.y) + group * og;
    d.out_h = s.out_h;
    d.out_w = s.out_w;
    d.o = og;
    d.y_image = s.out_h * s.out_w * s.o;
    d.y_row = s.out_w * s.o;
    d.y_pixel = s.o;
    convolve(g, d);
  }
}

void conv2d_dgrad_fast(const Context& context, const Conv2dDgrad& p) {
  const ConvShape& s = p.shape;
  const int64_t cg = s.c / s.groups, og = s.o / s.groups;
  if (is_product(s) && (!p.bias || s.kh * s.kw == 1)) {
    Matmul product{p.gy, p.w, p.gx, p.bias};
    product.m = s.n * s.out_h * s.out_w;
    product.n = s.kh * s.kw * cg;
    product.k = s.o;
    return matmul_fast(context, product);
  }
  // gx at padded position stride * q + phase meets gy at q - j through tap phase + stride * j: per phase a stride-1 convolution
  // of gy with every stride-th tap, flipped.
  const Gemm g = gemm();
  const int64_t panels = (cg + g.columns - 1) / g.columns;
  const float* w = static_cast<const float*>(p.w);
  for (int64_t group = 0; group < s.groups; ++group)
    for (int64_t phase = 0; phase < s.stride_h * s.stride_w; ++phase) {
      const Phase v(phase / s.stride_w, s.h, s.kh, s.stride_h, s.dilation_h, s.top);
      const Phase u(phase % s.stride_w, s.w, s.kw, s.stride_w, s.dilation_w, s.left);
      const int64_t taps = v.taps * u.taps;
      const Workspace packed(panels * g.columns * taps * og);
      parallel_for(panels * taps, grain_for(2 * og * g.columns), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t j = i / taps, tap = i % taps;
          const int64_t r = v.tap(tap / u.taps, s.stride_h), k = u.tap(tap % u.taps, s.stride_w);
          g.pack(packed.data() + i * og * g.columns, g.columns, w + ((group * og * s.kh + r) * s.kw + k) * cg + j * g.columns,
                 s.kh * s.kw * cg, 1, og, std::min<int64_t>(g.columns, cg - j * g.columns));
        }
      });
      Direct d{};
      d.x = {static_cast<const float*>(p.gy) + group * og, s.out_h, s.out_w, s.o, og};
      d.images = s.n;
      d.x_image = s.out_h * s.out_w * s.o;
      d.kh = taps ? v.taps : 0;
      d.kw = taps ? u.taps : 0;
      d.stride_h = d.stride_w = 1;
      d.dilation_h = s.dilation_h;
      d.dilation_w = s.dilation_w;
      d.top = v.before;
      d.left = u.before;
      d.weights = packed.data();
      d.bias = p.bias ? static_cast<const float*>(p.bias) + group * cg : nullptr;
      d.y = static_cast<float*>(p.gx) + (v.first * s.w + u.first) * s.c + group * cg;
      d.out_h = v.count;
      d.out_w = u.count;
      d.o = cg;
      d.y_image = s.h * s.w * s.c;
      d.y_row = s.stride_h * s.w * s.c;
      d.y_pixel = s.stride_w * s.c;
      convolve(g, d);
    }
}

}  // namespace kintsugi::cpu
