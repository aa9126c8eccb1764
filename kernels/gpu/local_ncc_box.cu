// Local normalised cross-correlation by separable running sums, "box": a block makes 32 x 32 results of one channel, all in shared memory.
//
// Forward: the fields a, b, a^2, b^2, ab of the tile and its surroundings; sums along rows, in place; sums along columns, in place; cc. Each line is
// one thread's: it adds what enters the window and takes away what leaves it, and begins afresh with every tile, so that rounding travels no
// further than the 32 results (backward, first pass: 32 + window - 1). Backward: the same for every window that reaches into the tile, then
// each window's five shares in place of its sums, and their sums over the windows of a pixel, which are box sums again. Nothing but a, b, g and the
// results touches global memory. In f64 the products of f32 pixels are exact and subtracting sums loses nothing that f32 could keep.
//
// Bytes: a and b read, cc written, 12 per pixel; backward 20. FLOPs about 37 and 100 per pixel, in f64. Floor for 16 images of 3 x 256 x 256: 8.8 us,
// backward 15 us. Around a tile lie 1.6 (backward 2.3) times as many pixels for a window of 9, which come from L2, as do the channels between
// those of a block. A running sum is a chain of 32 additions, eight steps of whose operands are fetched together: 20 clocks per step, 82 steps, three
// blocks to a multiprocessor (backward 150 steps, two blocks). Prediction: 14 us, backward 35 us; "naive" makes 324 loads per pixel. Not yet measured.
#include "kernels/local_ncc_box.h"

#include "kernels/base/device_runtime.h"
#include "kernels/local_ncc.h"
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

// The tile's fields: field k of pixel (y, x) at data[(k * side + y) * pitch + x].
struct Fields {
  double* data;
  int side, pitch;
  __device__ double& at(int k, int y, int x) const { return data[(k * side + y) * pitch + x]; }
};

// Sizes in 32 bits, and which tile a block makes. Channels change fastest: blocks that share lines of memory run together.
struct Tiles {
  int h, w, c, out_h, out_w;  // of the images and of the windows
  int window, lead;
  int across, down, side, pitch;

  Tiles(const LocalNccFwd& f, bool backward) : h(int(f.h)), w(int(f.w)), c(int(f.c)), out_h(int(f.out_h())), out_w(int(f.out_w())) {
    window = int(f.window);
    lead = int(f.lead());
    across = int(blocks_for(backward ? w : out_w, kNccTile));
    down = int(blocks_for(backward ? h : out_h, kNccTile));
    side = int(ncc_side(f.window, backward));
    pitch = int(ncc_pitch(side));
  }
  struct At { int n, y, x, channel; };
  __device__ At tile() const {
    const int i = int(blockIdx.x), t = i / c, line = t / across, n = line / down;
    return {n, (line - n * down) * kNccTile, (t - line * across) * kNccTile, i - t * c};
  }
  __device__ int64_t pixel(int n, int y, int x, int channel) const { return ((int64_t(n) * h + y) * w + x) * c + channel; }
  __device__ int64_t cell(int n, int y, int x, int channel) const { return ((int64_t(n) * out_h + y) * out_w + x) * c + channel; }
};

// The products of `rows` x `columns` pixels from (y0, x0) on; what lies outside the image is zero.
template <class T>
__device__ void fill(const Fields& s, const Tiles& t, const T* a, const T* b, const Tiles::At& at, int y0, int x0, int rows, int columns) {
  for (int i = int(threadIdx.x); i < rows * columns; i += kThreads) {
    const int y = i / columns, x = i - y * columns, iy = y0 + y, ix = x0 + x;
    const bool inside = iy >= 0 && iy < t.h && ix >= 0 && ix < t.w;
    const int64_t from = inside ? t.pixel(at.n, iy, ix, at.channel) : 0;
    const double p = inside ? double(float(a[from])) : 0.0, q = inside ? double(float(b[from])) : 0.0;
    s.at(0, y, x) = p;
    s.at(1, y, x) = q;
    s.at(2, y, x) = p * p;
    s.at(3, y, x) = q * q;
    s.at(4, y, x) = p * q;
  }
  __syncthreads();
}

// line[i] = sum of line[i ... i + window), in place, for i < outputs. A step's operands are fetched before the results that replace some of them are
// stored, eight steps at a time: neither load waits for the chain of sums.
__device__ __forceinline__ void running_sums(double* line, int step, int outputs, int window) {
  constexpr int kAhead = 8;
  double sum = 0;
  for (int i = 0; i < window; ++i) sum += line[i * step];
#pragma unroll 1
  for (int first = 0; first < outputs; first += kAhead) {
    double change[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) change[k] = first + k + 1 < outputs ? line[(first + k + window) * step] - line[(first + k) * step] : 0.0;
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      if (first + k < outputs) line[(first + k) * step] = sum;
      sum += change[k];
    }
  }
}

// Box sums of all fields: `rows` x `columns` results from that many pixels and window - 1 more on each axis.
__device__ void box_sums(const Fields& s, int rows, int columns, int window) {
  const int lines = rows + window - 1;
  for (int i = int(threadIdx.x); i < kNccFields * lines; i += kThreads) running_sums(&s.at(i / lines, i % lines, 0), 1, columns, window);
  __syncthreads();
  for (int i = int(threadIdx.x); i < kNccFields * columns; i += kThreads) running_sums(&s.at(i / columns, 0, i % columns), s.pitch, rows, window);
  __syncthreads();
}

struct Window {
  double mean_a, mean_b, cross, var_a, var_b;
};
__device__ __forceinline__ Window window_at(const Fields& s, int y, int x, double count) {
  const double a = s.at(0, y, x), b = s.at(1, y, x), var_a = s.at(2, y, x) - a * a / count, var_b = s.at(3, y, x) - b * b / count;
  return {a / count, b / count, s.at(4, y, x) - a * b / count, var_a > 0 ? var_a : 0, var_b > 0 ? var_b : 0};
}

template <class T>
__global__ void __launch_bounds__(kThreads) correlate_tile(Tiles t, const T* a, const T* b, T* cc, double eps) {
  KIN_DYNAMIC_SHARED(double, shared);
  const Fields s{shared, t.side, t.pitch};
  const Tiles::At at = t.tile();
  const int rows = min(kNccTile, t.out_h - at.y), columns = min(kNccTile, t.out_w - at.x);
  fill(s, t, a, b, at, at.y - t.lead, at.x - t.lead, rows + t.window - 1, columns + t.window - 1);
  box_sums(s, rows, columns, t.window);
  const double count = double(t.window * t.window);
  for (int i = int(threadIdx.x); i < rows * columns; i += kThreads) {
    const int y = i / columns, x = i - y * columns;
    const Window w = window_at(s, y, x, count);
    cc[t.cell(at.n, at.y + y, at.x + x, at.channel)] = T(float(w.cross * w.cross / (w.var_a * w.var_b + eps)));
  }
}

// With u = 2 g cross / D, v_a = 2 g cross^2 var_b / D^2 and v_b likewise, a window adds u (b - u_b) - v_a (a - u_a) to ga of its pixels: u, v_a, v_b and
// what does not depend on the pixel, summed over the windows of a pixel, are all it needs.
template <class T>
__global__ void __launch_bounds__(kThreads) gradient_tile(Tiles t, const T* a, const T* b, const T* g, T* ga, T* gb, double eps) {
  KIN_DYNAMIC_SHARED(double, shared);
  const Fields s{shared, t.side, t.pitch};
  const Tiles::At at = t.tile();
  const int rows = min(kNccTile, t.h - at.y), columns = min(kNccTile, t.w - at.x), more = t.window - 1;
  // Windows p - lead ... p - lead + more hold a pixel: p from pixel + lead - more on. Some of them do not exist.
  const int first_y = at.y + t.lead - more, first_x = at.x + t.lead - more, window_rows = rows + more, window_columns = columns + more;
  fill(s, t, a, b, at, first_y - t.lead, first_x - t.lead, window_rows + more, window_columns + more);
  box_sums(s, window_rows, window_columns, t.window);
  const double count = double(t.window * t.window);
  for (int i = int(threadIdx.x); i < window_rows * window_columns; i += kThreads) {
    const int y = i / window_columns, x = i - y * window_columns, py = first_y + y, px = first_x + x;
    double u = 0, v_a = 0, v_b = 0, rest_a = 0, rest_b = 0;
    if (py >= 0 && py < t.out_h && px >= 0 && px < t.out_w) {
      const Window w = window_at(s, y, x, count);
      const double ratio = w.cross / (w.var_a * w.var_b + eps), twice = 2 * double(float(g[t.cell(at.n, py, px, at.channel)]));
      u = twice * ratio;
      v_a = twice * ratio * ratio * w.var_b;
      v_b = twice * ratio * ratio * w.var_a;
      rest_a = v_a * w.mean_a - u * w.mean_b;
      rest_b = v_b * w.mean_b - u * w.mean_a;
    }
    s.at(0, y, x) = u;
    s.at(1, y, x) = v_a;
    s.at(2, y, x) = v_b;
    s.at(3, y, x) = rest_a;
    s.at(4, y, x) = rest_b;
  }
  __syncthreads();
  box_sums(s, rows, columns, t.window);
  for (int i = int(threadIdx.x); i < rows * columns; i += kThreads) {
    const int y = i / columns, x = i - y * columns;
    const int64_t k = t.pixel(at.n, at.y + y, at.x + x, at.channel);
    const double p = double(float(a[k])), q = double(float(b[k])), u = s.at(0, y, x);
    if (ga) ga[k] = T(float(u * q - s.at(1, y, x) * p + s.at(3, y, x)));
    if (gb) gb[k] = T(float(u * p - s.at(2, y, x) * q + s.at(4, y, x)));
  }
}

unsigned blocks(const LocalNccFwd& f, const Tiles& t) { return unsigned(f.n * t.down * t.across * f.c); }

}  // namespace

void local_ncc_fwd_box(const Context& context, const LocalNccFwd& f) {
  visit_f32_or_bf16(f.dtype, "local_ncc_fwd", [&]<class T>() {
    const Tiles t(f, false);
    launch({blocks(f, t), kThreads, ncc_bytes(t.side), context.stream}, correlate_tile<T>, t, static_cast<const T*>(f.a), static_cast<const T*>(f.b),
           static_cast<T*>(f.cc), f.eps);
  });
}

void local_ncc_bwd_box(const Context& context, const LocalNccBwd& args) {
  const LocalNccFwd& f = args.forward;
  visit_f32_or_bf16(f.dtype, "local_ncc_bwd", [&]<class T>() {
    const Tiles t(f, true);
    launch({blocks(f, t), kThreads, ncc_bytes(t.side), context.stream}, gradient_tile<T>, t, static_cast<const T*>(f.a), static_cast<const T*>(f.b),
           static_cast<const T*>(args.g), static_cast<T*>(args.ga), static_cast<T*>(args.gb), f.eps);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
