#include "apps/bench/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kintsugi::bench {
namespace {

constexpr double kWidth = 960, kHeight = 600, kLeft = 80, kRight = 190, kTop = 50, kBottom = 60;
// Okabe and Ito's colours, told apart by nearly everybody; a second round of series has hollow dots.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"};

std::string escaped(const std::string& s) {
  std::string out;
  for (char c : s) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

// A logarithmic axis over whole decades.
struct Axis {
  int first = 0, last = 1;  // powers of ten
  double from, to;          // pixels
  void cover(const std::vector<double>& values) {
    double low = INFINITY, high = -INFINITY;
    for (double v : values)
      if (v > 0 && std::isfinite(v)) low = std::min(low, std::log10(v)), high = std::max(high, std::log10(v));
    if (low > high) return;
    first = int(std::floor(low));
    last = std::max(first + 1, int(std::ceil(high + 0.05)));
  }
  double at(double value) const { return from + (to - from) * (std::log10(value) - first) / (last - first); }
};

std::string number(int power) {
  if (power < 0) return fmt::format("{:.{}f}", std::pow(10, power), -power);
  return power < 4 ? fmt::format("{:.0f}", std::pow(10, power)) : fmt::format("1e{}", power);
}

std::string grid(const Axis& x, const Axis& y) {
  std::string s;
  for (int p = x.first; p <= x.last; ++p) {
    const double at = x.at(std::pow(10, p));
    s += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"#ddd\"/>\n<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>\n",
                     at, y.to, y.from, y.from + 20, number(p));
  }
  for (int p = y.first; p <= y.last; ++p) {
    const double at = y.at(std::pow(10, p));
    s += fmt::format("<line x1=\"{0}\" y1=\"{1:.1f}\" x2=\"{2}\" y2=\"{1:.1f}\" stroke=\"#ddd\"/>\n<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
                     x.from, at, x.to, x.from - 8, at + 4, number(p));
  }
  return s;
}

std::string roof_line(const RooflineRoof& r, const Axis& x, const Axis& y) {
  const double left = std::pow(10, x.first), right = std::pow(10, x.last), corner = r.flops / r.bytes;
  std::string points;
  // Below the lowest decade the slope enters from the bottom edge.
  const double start = std::max(left, std::pow(10, y.first) * 1e9 / r.bytes);
  if (start < corner) points += fmt::format("{:.1f},{:.1f} ", x.at(start), y.at(start * r.bytes / 1e9));
  points += fmt::format("{:.1f},{:.1f} {:.1f},{:.1f}", x.at(std::max(corner, left)), y.at(r.flops / 1e9), x.at(right), y.at(r.flops / 1e9));
  return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"#222\" stroke-width=\"1.5\"{}/>\n"
                     "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}: {:.0f} GFLOP/s, {:.1f} GB/s</text>\n",
                     points, r.main ? "" : " stroke-dasharray=\"6 4\"", x.to - 4, y.at(r.flops / 1e9) - 6, escaped(r.label), r.flops / 1e9, r.bytes / 1e9);
}

std::string dot(double x, double y, size_t series, const std::string& title) {
  const size_t n = std::size(kColours);
  const char* colour = kColours[series % n];
  return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" fill=\"{}\" stroke=\"{}\" stroke-width=\"1.2\" fill-opacity=\"0.75\">{}</circle>\n", x, y,
                     series < n ? colour : "white", colour, title.empty() ? "" : "<title>" + escaped(title) + "</title>");
}

}  // namespace

std::string roofline_svg(const std::string& title, const std::vector<RooflineRoof>& roofs, const std::vector<RooflineDot>& all) {
  std::vector<RooflineDot> dots;
  for (const auto& d : all)
    if (d.intensity > 0 && d.flops > 0 && std::isfinite(d.intensity) && std::isfinite(d.flops)) dots.push_back(d);
  std::vector<std::string> series;
  std::vector<double> xs, ys;
  for (const auto& d : dots) {
    if (std::find(series.begin(), series.end(), d.series) == series.end()) series.push_back(d.series);
    xs.push_back(d.intensity);
    ys.push_back(d.flops / 1e9);
  }
  for (const auto& r : roofs) {
    xs.push_back(r.flops / r.bytes);
    ys.push_back(r.flops / 1e9);
  }
  Axis x{.from = kLeft, .to = kWidth - kRight}, y{.from = kHeight - kBottom, .to = kTop};
  x.cover(xs);
  y.cover(ys);

  std::string s = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
                              "font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n"
                              "<text x=\"{2}\" y=\"28\" font-size=\"15\">{3}</text>\n",
                              kWidth, kHeight, kLeft, escaped(title));
  s += grid(x, y);
  s += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">FLOP per byte</text>\n", (x.from + x.to) / 2, kHeight - 16);
  s += fmt::format("<text transform=\"translate(22,{:.1f}) rotate(-90)\" text-anchor=\"middle\">GFLOP/s (of the plain form)</text>\n", (y.from + y.to) / 2);
  for (const auto& r : roofs) s += roof_line(r, x, y);
  for (const auto& d : dots) {
    const size_t which = size_t(std::find(series.begin(), series.end(), d.series) - series.begin());
    s += dot(x.at(d.intensity), y.at(d.flops / 1e9), which, fmt::format("{}: {}, {:.1f} GFLOP/s", d.series, d.label, d.flops / 1e9));
  }
  for (size_t i = 0; i < series.size(); ++i) {
    const double at = kTop + 16 + 20 * double(i);
    s += dot(kWidth - kRight + 28, at - 4, i, "");
    s += fmt::format("<text x=\"{}\" y=\"{:.1f}\">{}</text>\n", kWidth - kRight + 40, at, escaped(series[i]));
  }
  return s + "</svg>\n";
}

}  // namespace kintsugi::bench
