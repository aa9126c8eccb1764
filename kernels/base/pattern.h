// Names chosen by pattern: kernel families, parameters, cases.
#pragma once
#include <string_view>

namespace kintsugi {

/// Does all of `name` fit `pattern`, where '*' stands for any characters, none included? Time at most length times length.
constexpr bool matches_pattern(std::string_view name, std::string_view pattern) {
  // Greedy with one point of return: after a star, the earliest continuation that fits is the best one.
  size_t n = 0, p = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace kintsugi
