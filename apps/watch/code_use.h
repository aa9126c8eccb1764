// Which codes of a codebook the last steps used.
#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace kintsugi {

class CodeUse {
 public:
  CodeUse(int64_t codes, int window) : counts_(size_t(codes)), window_(size_t(window)) {}

  /// The codes of one step's tokens; the step that leaves the window is forgotten. Throws Error for a code out of range.
  void add(std::span<const int64_t> codes);

  bool empty() const { return tokens_ == 0; }
  /// Whether the window is full.
  bool full() const { return steps_.size() == window_; }
  /// How many codes were used at all.
  int64_t live() const;
  /// exp of the entropy of their shares: as many codes, used evenly, would say as much.
  double perplexity() const;
  /// Of each code, how often it was used compared with all being used evenly.
  std::vector<double> use() const;

 private:
  std::vector<int64_t> counts_;
  std::deque<std::vector<int64_t>> steps_;
  size_t window_;
  int64_t tokens_ = 0;
};

}  // namespace kintsugi
