#include "kernels/cpu/conv2d_depthwise.h"

#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/conv2d.h"
#include "kernels/cpu/conv2d_direct.h"

namespace kintsugi::cpu {
namespace {

constexpr int64_t kBlockRows = 8;       // output rows that share a copy of their input
constexpr int64_t kStripPixels = 2048;  // output pixels of one partial sum of the weight gradient
constexpr int64_t kMaxStrips = 32;

}  // namespace

void convolve_depthwise(const Direct& d) {
  if (d.out_h <= 0 || d.out_w <= 0) return;
  const int64_t c = d.x.c, taps = d.kh * d.kw;
  const Workspace w(taps * c);
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t ch = 0; ch < c; ++ch) w.data()[tap * c + ch] = d.w[ch * d.w_o + tap / d.kw * d.w_r + tap % d.kw * d.w_s];
  const EvenTiles down(d.out_h, kBlockRows);
  const int64_t columns = extent(d.out_w, d.stride_w, d.kw, d.dilation_w);
  const auto function = KIN_SIMD_PICK(depthwise_row);
  parallel_for(d.images * down.count, grain_for(2 * kBlockRows * d.out_w * taps * c), [&](int64_t begin, int64_t end) {
    const Workspace padded(extent(kBlockRows, d.stride_h, d.kh, d.dilation_h) * columns * c);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t image = block / down.count, p0 = down.begin(block % down.count), p1 = down.begin(block % down.count + 1);
      copy_padded(padded.data(), d.image(image), p0 * d.stride_h - d.top, -d.left, extent(p1 - p0, d.stride_h, d.kh, d.dilation_h), columns);
      for (int64_t p = p0; p < p1; ++p)
        function({padded.data() + (p - p0) * d.stride_h * columns * c, d.stride_w * c, d.dilation_h * columns * c, d.dilation_w * c, d.kh,
                  d.kw, c, d.out_w},
                 w.data(), d.bias, d.y + image * d.y_image + p * d.y_row, d.y_pixel);
    }
  });
}

void depthwise_wgrad(const Conv2dWgrad& p) {
  const ConvShape& s = p.shape;
  const int64_t c = s.c, taps = s.kh * s.kw, rows = s.n * s.out_h;
  const int64_t wanted = std::clamp<int64_t>(rows * s.out_w / kStripPixels, 1, std::min(rows, kMaxStrips));
  const EvenTiles strips(rows, (rows + wanted - 1) / wanted);
  const int64_t columns = extent(s.out_w, s.stride_w, s.kw, s.dilation_w), reach = extent(1, s.stride_h, s.kh, s.dilation_h);
  const Workspace partials(strips.count * taps * c);
  const auto function = KIN_SIMD_PICK(depthwise_wgrad_row);
  parallel_for(strips.count, 1, [&](int64_t begin, int64_t end) {
    const Workspace padded(reach * columns * c);
    for (int64_t strip = begin; strip < end; ++strip) {
      float* sum = partials.data() + strip * taps * c;
      std::fill_n(sum, taps * c, 0.0f);
      for (int64_t row = strips.begin(strip); row < strips.begin(strip + 1); ++row) {
        const ImageView view{static_cast<const float*>(p.x) + row / s.out_h * s.h * s.w * c, s.h, s.w, c, c};
        copy_padded(padded.data(), view, row % s.out_h * s.stride_h - s.top, -s.left, reach, columns);
        function({padded.data(), s.stride_w * c, s.dilation_h * columns * c, s.dilation_w * c, s.kh, s.kw, c, s.out_w},
                 static_cast<const float*>(p.gy) + row * s.out_w * c, c, sum);
      }
    }
  });
  float* gw = static_cast<float*>(p.gw);
  for (int64_t ch = 0; ch < c; ++ch)
    for (int64_t tap = 0; tap < taps; ++tap) {
      float sum = 0;
      for (int64_t strip = 0; strip < strips.count; ++strip) sum += partials.data()[(strip * taps + tap) * c + ch];
      gw[ch * taps + tap] = sum;
    }
}

}  // namespace kintsugi::cpu
