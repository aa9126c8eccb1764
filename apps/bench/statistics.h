#pragma once
#include <algorithm>
#include <vector>

#include "kernels/base/error.h"

namespace kintsugi::bench {

/// Middle value, or the mean of the two in the middle. Throws Error for none.
inline double median(std::vector<double> values) {
  KIN_CHECK(!values.empty(), "median: no values");
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace kintsugi::bench
