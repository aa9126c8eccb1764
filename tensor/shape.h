// The extent of a dense row-major tensor, up to rank 6. {} is a scalar with one element.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <vector>

#include "kernels/base/error.h"

namespace kintsugi {

class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(const std::vector<int64_t>& dims) : Shape(std::span(dims.data(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims) : rank_(int(dims.size())) {
    KIN_CHECK(dims.size() <= kMaxRank, "shape: rank must be at most ", kMaxRank, ", got ", dims.size());
    for (int i = 0; i < rank_; ++i) {
      KIN_CHECK(dims[i] >= 0, "shape: a dimension must not be negative, got ", dims[i]);
      dims_[i] = dims[i];
    }
  }

  int rank() const { return rank_; }
  /// dim(-1) is the last.
  int64_t dim(int i) const { return dims_[axis(i)]; }
  int64_t operator[](int i) const { return dim(i); }
  /// -1 -> rank-1 and so on; throws when there is no such axis.
  int axis(int i) const {
    const int a = i < 0 ? i + rank_ : i;
    KIN_CHECK(a >= 0 && a < rank_, "shape: axis ", i, " does not exist in ", *this);
    return a;
  }
  void set(int i, int64_t v) { dims_[axis(i)] = v; }

  int64_t numel() const { return product(0, rank_); }
  /// Product of dims [begin, end).
  int64_t product(int begin, int end) const {
    int64_t n = 1;
    for (int i = begin; i < end; ++i) n *= dims_[i];
    return n;
  }
  std::span<const int64_t> dims() const { return {dims_.data(), size_t(rank_)}; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }

  bool operator==(const Shape& o) const {
    if (rank_ != o.rank_) return false;
    for (int i = 0; i < rank_; ++i)
      if (dims_[i] != o.dims_[i]) return false;
    return true;
  }

  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    out << '[';
    for (int i = 0; i < s.rank_; ++i) out << (i ? "," : "") << s.dims_[i];
    return out << ']';
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace kintsugi
