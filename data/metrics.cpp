#include "data/metrics.h"

#include <cmath>
#include <limits>

#include "data/bytes.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

/// [h, w, c] values on the scale of 0 to 255.
struct Plane {
  int h, w, c;
  std::vector<double> v;
  double at(int y, int x, int k) const { return v[(size_t(y) * w + x) * c + k]; }
};

Plane prepare(const Image& image, const MetricOptions& options) {
  const int b = options.crop_border;
  const bool luma_only = options.luma_only && image.c == 3;
  Plane out{image.h - 2 * b, image.w - 2 * b, luma_only ? 1 : image.c, {}};
  std::vector<double> all;
  if (luma_only) {
    all = luma(image);
  } else {
    for (float p : image.pixels) all.push_back(to_byte(p));
  }
  for (int y = 0; y < out.h; ++y) {
    const auto from = all.begin() + (size_t(y + b) * image.w + b) * out.c;
    out.v.insert(out.v.end(), from, from + size_t(out.w) * out.c);
  }
  return out;
}

void check_pair(const char* metric, const Image& a, const Image& b, int crop, int least) {
  KIN_CHECK(a.h == b.h && a.w == b.w && a.c == b.c, metric, ": both images must have one size, got ", a.h, "x", a.w, "x", a.c,
            " and ", b.h, "x", b.w, "x", b.c);
  KIN_CHECK(crop >= 0 && a.h - 2 * crop >= least && a.w - 2 * crop >= least, metric, ": at least ", least, "x", least,
            " pixels must remain, got ", a.h, "x", a.w, " with a border of ", crop);
}

constexpr int kWindow = 11;

/// Gaussian mean of a[i]*b[i] (or of a alone) over every full window of one channel: [h - 10, w - 10].
std::vector<double> windowed(const Plane& a, const Plane* b, int channel) {
  double g[kWindow], sum = 0;
  for (int i = 0; i < kWindow; ++i) sum += g[i] = std::exp(-0.5 * (i - 5) * (i - 5) / (1.5 * 1.5));
  for (double& v : g) v /= sum;
  const int h = a.h - kWindow + 1, w = a.w - kWindow + 1;
  std::vector<double> rows(size_t(a.h) * w, 0.0), out(size_t(h) * w, 0.0);
  for (int y = 0; y < a.h; ++y)
    for (int x = 0; x < w; ++x)
      for (int t = 0; t < kWindow; ++t)
        rows[size_t(y) * w + x] += g[t] * a.at(y, x + t, channel) * (b ? b->at(y, x + t, channel) : 1.0);
  for (int y = 0; y < h; ++y)
    for (int t = 0; t < kWindow; ++t)
      for (int x = 0; x < w; ++x) out[size_t(y) * w + x] += g[t] * rows[size_t(y + t) * w + x];
  return out;
}

double ssim_channel(const Plane& a, const Plane& b, int channel) {
  constexpr double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
  const auto ma = windowed(a, nullptr, channel), mb = windowed(b, nullptr, channel);
  const auto aa = windowed(a, &a, channel), bb = windowed(b, &b, channel), ab = windowed(a, &b, channel);
  double sum = 0;
  for (size_t i = 0; i < ma.size(); ++i) {
    const double va = aa[i] - ma[i] * ma[i], vb = bb[i] - mb[i] * mb[i], cov = ab[i] - ma[i] * mb[i];
    sum += (2 * ma[i] * mb[i] + c1) * (2 * cov + c2) / ((ma[i] * ma[i] + mb[i] * mb[i] + c1) * (va + vb + c2));
  }
  return sum / double(ma.size());
}

}  // namespace

std::vector<double> luma(const Image& image) {
  KIN_CHECK(image.c == 3, "luma: image must be RGB, got ", image.c, " channels");
  std::vector<double> out;
  out.reserve(image.pixels.size() / 3);
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    float p[3];
    for (int c = 0; c < 3; ++c) p[c] = float(to_byte(image.pixels[i + c])) / 255.0f;
    const double y = p[2] * 24.966 + p[1] * 128.553 + p[0] * 65.481 + 16.0;
    out.push_back(float(y / 255.0) * 255.0f);
  }
  return out;
}

double psnr(const Image& a, const Image& b, const MetricOptions& options) {
  check_pair("psnr", a, b, options.crop_border, 1);
  const Plane p = prepare(a, options), q = prepare(b, options);
  double sum = 0;
  for (size_t i = 0; i < p.v.size(); ++i) sum += (p.v[i] - q.v[i]) * (p.v[i] - q.v[i]);
  if (sum == 0) return std::numeric_limits<double>::infinity();
  return 20 * std::log10(255 / std::sqrt(sum / double(p.v.size())));
}

double ssim(const Image& a, const Image& b, const MetricOptions& options) {
  check_pair("ssim", a, b, options.crop_border, kWindow);
  const Plane p = prepare(a, options), q = prepare(b, options);
  double sum = 0;
  for (int c = 0; c < p.c; ++c) sum += ssim_channel(p, q, c);
  return sum / p.c;
}

}  // namespace kintsugi
