#pragma once
#include <string>
#include <utility>
#include <vector>

namespace kintsugi {

/// Named numbers, in the order they are shown.
using Values = std::vector<std::pair<std::string, double>>;

/// The value of that name, or nullptr.
inline const double* find(const Values& values, const std::string& name) {
  for (const auto& [n, value] : values)
    if (n == name) return &value;
  return nullptr;
}

}  // namespace kintsugi
