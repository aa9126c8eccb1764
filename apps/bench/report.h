// Measurements as a table for people, and as JSON, CSV and SVG.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/bench/measure.h"

namespace kintsugi::bench {

/// "1.23 ms", "45.6 us"; three digits.
std::string time_text(double seconds);
/// "67.1 MB", in powers of ten.
std::string bytes_text(double bytes);

/// What stands above the table: machine, roofs, clock, which yardsticks there are.
std::string header_text(const Machine& machine, const MeasureOptions& options, const std::vector<Yardstick>& yardsticks);
/// One shape: a line with what it costs, then a line per row. All of the same shape, at least one. Rows of a GPU are followed by their kernels,
/// with what the compiler gave them.
std::string shape_text(const std::vector<Measurement>& rows, const Machine& machine, const MeasureOptions& options);

struct Report {
  Machine machine;
  MeasureOptions options;
  std::vector<Yardstick> yardsticks;
  std::vector<Measurement> results;
};
/// Fields are described in docs/bench.md.
nlohmann::ordered_json to_json(const Report& report);
/// One line per measurement that has a time, after a line of names.
std::string to_csv(const Report& report);
/// The roofline: FLOP/s over FLOP per byte, both logarithmic, one dot per row and shape.
std::string to_svg(const Report& report);

}  // namespace kintsugi::bench
