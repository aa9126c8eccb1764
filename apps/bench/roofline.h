// The roofline of Williams, Waterman and Patterson ("Roofline: an insightful visual performance model", CACM 2009) as an SVG picture.
#pragma once
#include <string>
#include <vector>

namespace kintsugi::bench {

struct RooflineRoof {
  double flops, bytes;  // per second
  std::string label;
  bool main;            // drawn solid; others dashed
};
struct RooflineDot {
  double intensity, flops;    // FLOP per byte, FLOP per second; both above 0, else it is left out
  std::string series, label;  // series: one colour and one line of the legend; label: shown by viewers when pointed at
};

/// A complete SVG document. Axes cover all dots and the roofs' corners in whole decades.
std::string roofline_svg(const std::string& title, const std::vector<RooflineRoof>& roofs, const std::vector<RooflineDot>& dots);

}  // namespace kintsugi::bench
