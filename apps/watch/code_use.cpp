#include "apps/watch/code_use.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"

namespace kintsugi {

void CodeUse::add(std::span<const int64_t> codes) {
  for (const int64_t c : codes) KIN_CHECK(c >= 0 && c < int64_t(counts_.size()), "code_use: code must be in [0, ", counts_.size(), "), got ", c);
  for (const int64_t c : codes) ++counts_[size_t(c)];
  steps_.emplace_back(codes.begin(), codes.end());
  tokens_ += int64_t(codes.size());
  if (steps_.size() <= window_) return;
  for (const int64_t c : steps_.front()) --counts_[size_t(c)];
  tokens_ -= int64_t(steps_.front().size());
  steps_.pop_front();
}

int64_t CodeUse::live() const { return std::count_if(counts_.begin(), counts_.end(), [](int64_t n) { return n > 0; }); }

double CodeUse::perplexity() const {
  double entropy = 0;
  for (const int64_t n : counts_)
    if (const double share = double(n) / double(tokens_); n > 0) entropy -= share * std::log(share);
  return std::exp(entropy);
}

std::vector<double> CodeUse::use() const {
  std::vector<double> use;
  for (const int64_t n : counts_) use.push_back(double(n) * double(counts_.size()) / double(tokens_));
  return use;
}

}  // namespace kintsugi
