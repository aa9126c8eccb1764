#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

/// Every filter is separable: output i of an axis is sum_t weight[i, t] * input[index[i, t]].
struct Taps {
  int per_output;
  std::vector<int> index;
  std::vector<float> weight;

  Taps(int outputs, int taps) : per_output(taps), index(size_t(outputs) * taps, 0), weight(size_t(outputs) * taps, 0.0f) {}
};

double sinc(double x) {
  const double a = std::numbers::pi * x;
  return std::abs(x) < 1e-7 ? 1.0 : std::sin(a) / a;
}

/// Weights of the taps at offsets -(n/2 - 1) ... n/2 from the pixel left of the position, `f` in [0, 1) right of it.
void interpolation_weights(Filter filter, float f, float* w) {
  if (filter == Filter::linear) {
    w[0] = 1 - f;
    w[1] = f;
  } else if (filter == Filter::cubic) {
    constexpr float a = -0.75f;
    const auto near = [](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };             // |d| <= 1
    const auto far = [](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };        // 1 < |d| < 2
    w[0] = far(f + 1);
    w[1] = near(f);
    w[2] = near(1 - f);
    w[3] = 1 - w[0] - w[1] - w[2];
  } else {
    double sum = 0, v[8];
    for (int t = 0; t < 8; ++t) {
      const double d = double(f) + 3 - t;
      sum += v[t] = sinc(d) * sinc(d / 4);
    }
    for (int t = 0; t < 8; ++t) w[t] = float(v[t] / sum);
  }
}

Taps interpolation_taps(Filter filter, int in, int out) {
  const int n = filter == Filter::linear ? 2 : filter == Filter::cubic ? 4 : 8;
  Taps taps(out, n);
  const double scale = double(in) / out;
  for (int i = 0; i < out; ++i) {
    const float position = float((i + 0.5) * scale - 0.5);  // in f32, as OpenCV computes it
    const int left = int(std::floor(position));
    interpolation_weights(filter, position - float(left), &taps.weight[size_t(i) * n]);
    for (int t = 0; t < n; ++t) taps.index[size_t(i) * n + t] = std::clamp(left - (n / 2 - 1) + t, 0, in - 1);
  }
  return taps;
}

Taps area_taps(int in, int out) {
  const double scale = double(in) / out;
  const int n = int(std::ceil(scale)) + 1;
  Taps taps(out, n);
  for (int i = 0; i < out; ++i) {
    const double begin = i * scale, end = std::min((i + 1) * scale, double(in));
    const int first = std::min(int(begin), in - 1);
    for (int t = 0; t < n; ++t) {
      const double covered = std::min(end, first + t + 1.0) - std::max(begin, double(first + t));
      taps.index[size_t(i) * n + t] = std::min(first + t, in - 1);
      taps.weight[size_t(i) * n + t] = float(std::max(covered, 0.0) / (end - begin));
    }
  }
  return taps;
}

Taps make_taps(Filter filter, int in, int out) {
  if (filter == Filter::area) return area_taps(in, out);
  if (filter != Filter::nearest) return interpolation_taps(filter, in, out);
  Taps taps(out, 1);
  const double scale = double(in) / out;
  for (int i = 0; i < out; ++i) {
    taps.index[i] = std::min(int(i * scale), in - 1);
    taps.weight[i] = 1;
  }
  return taps;
}

Image resize_columns(const Image& in, int w, const Taps& taps) {
  Image out(in.h, w, in.c);
  for (int y = 0; y < in.h; ++y)
    for (int x = 0; x < w; ++x) {
      float* to = out.at(y, x);
      for (int t = 0; t < taps.per_output; ++t) {
        const float* from = in.at(y, taps.index[size_t(x) * taps.per_output + t]);
        const float weight = taps.weight[size_t(x) * taps.per_output + t];
        for (int c = 0; c < in.c; ++c) to[c] += weight * from[c];
      }
    }
  return out;
}

Image resize_rows(const Image& in, int h, const Taps& taps) {
  Image out(h, in.w, in.c);
  const size_t row = size_t(in.w) * in.c;
  for (int y = 0; y < h; ++y) {
    float* to = out.at(y, 0);
    for (int t = 0; t < taps.per_output; ++t) {
      const float* from = in.at(taps.index[size_t(y) * taps.per_output + t], 0);
      const float weight = taps.weight[size_t(y) * taps.per_output + t];
      for (size_t i = 0; i < row; ++i) to[i] += weight * from[i];
    }
  }
  return out;
}

}  // namespace

Image resize(const Image& image, int h, int w, Filter filter) {
  KIN_CHECK(!image.empty(), "resize: image must not be empty");
  KIN_CHECK(h > 0 && w > 0, "resize: size must be positive, got ", h, "x", w);
  if (h == image.h && w == image.w) return image;  // every filter's weights are then 0 and 1
  return resize_rows(resize_columns(image, w, make_taps(filter, image.w, w)), h, make_taps(filter, image.h, h));
}

ResampleTaps linear_taps(int in, int out) {
  KIN_CHECK(in > 0 && out > 0, "resize: size must be positive, got ", in, " to ", out);
  const Taps taps = interpolation_taps(Filter::linear, in, out);
  ResampleTaps t{in, out, {0}, taps.index, {taps.weight.begin(), taps.weight.end()}};
  for (int i = 1; i <= out; ++i) t.offset.push_back(int32_t(i * taps.per_output));
  return t;
}

Image crop(const Image& image, int y, int x, int h, int w) {
  KIN_CHECK(y >= 0 && x >= 0 && h > 0 && w > 0 && y + h <= image.h && x + w <= image.w, "crop: window ", h, "x", w, " at (",
            y, ",", x, ") must lie inside the ", image.h, "x", image.w, " image");
  Image out(h, w, image.c);
  for (int i = 0; i < h; ++i) std::copy_n(image.at(y + i, x), size_t(w) * image.c, out.at(i, 0));
  return out;
}

Image flip_horizontal(const Image& image) {
  Image out(image.h, image.w, image.c);
  for (int y = 0; y < image.h; ++y)
    for (int x = 0; x < image.w; ++x) std::copy_n(image.at(y, image.w - 1 - x), image.c, out.at(y, x));
  return out;
}

Image fit_square(Image image, int size) {
  const int side = std::min(image.h, image.w);
  if (image.h != image.w) image = crop(image, (image.h - side) / 2, (image.w - side) / 2, side, side);
  return side == size ? std::move(image) : resize(image, size, size, side > size ? Filter::area : Filter::linear);
}

}  // namespace kintsugi
