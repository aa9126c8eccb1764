// Sums over square windows of several fields at once, one output row after the other: columns keep running sums down the
// image, each row keeps running sums along it. Two additions per field and axis, whatever the window. Everything is f64.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace kintsugi::cpu {

struct BoxGeometry {
  int64_t in_h, in_w, out_w, c;
  int64_t window, lead;  // output p sums over [p - lead, p - lead + window), clipped to the input
};

/// fill(y, fields) writes K fields of input row y, each [in_w * c]; use(i, sums) receives K sums of output row i, each [out_w * c],
/// for i in [begin, end). Fill is called once per input row, in ascending order.
template <int K, class Fill, class Use>
void box_sum_rows(const BoxGeometry& b, int64_t begin, int64_t end, Fill&& fill, Use&& use) {
  if (begin >= end) return;
  const int64_t row = b.in_w * b.c, out_row = b.out_w * b.c;
  std::vector<double> ring(size_t(b.window * K * row)), columns(size_t(K * row)), sums(size_t(K * out_row));
  std::array<const double*, K> out;
  for (int f = 0; f < K; ++f) out[size_t(f)] = sums.data() + f * out_row;

  const auto ring_row = [&](int64_t y) { return ring.data() + y % b.window * K * row; };
  const auto enter = [&](int64_t y) {
    if (y < 0 || y >= b.in_h) return;
    std::array<double*, K> fields;
    for (int f = 0; f < K; ++f) fields[size_t(f)] = ring_row(y) + f * row;
    fill(y, fields.data());
    for (int64_t k = 0; k < K * row; ++k) columns[size_t(k)] += ring_row(y)[k];
  };
  const auto leave = [&](int64_t y) {
    if (y < 0 || y >= b.in_h) return;
    for (int64_t k = 0; k < K * row; ++k) columns[size_t(k)] -= ring_row(y)[k];
  };
  const auto along = [&](const double* in, double* sum) {
    for (int64_t k = 0; k < b.c; ++k) {
      double running = 0;
      for (int64_t x = std::max<int64_t>(0, -b.lead); x < std::min(b.in_w, b.window - b.lead); ++x) running += in[x * b.c + k];
      sum[k] = running;
    }
    // Output j gains column j - lead + window - 1 and loses column j - lead - 1. Where both exist, where one does, where none:
    const int64_t gains = std::clamp<int64_t>(b.in_w + b.lead - b.window + 1, 1, b.out_w) * b.c;  // t < gains
    const int64_t loses = std::clamp<int64_t>(b.lead + 1, 1, b.out_w) * b.c;                      // t >= loses
    const double *gain = in + (b.window - 1 - b.lead) * b.c, *loss = in - (b.lead + 1) * b.c;
    int64_t t = b.c;
    for (; t < std::min(gains, loses); ++t) sum[t] = sum[t - b.c] + gain[t];
    for (; t < loses; ++t) sum[t] = sum[t - b.c];
    for (; t < gains; ++t) sum[t] = sum[t - b.c] + (gain[t] - loss[t]);
    for (; t < b.out_w * b.c; ++t) sum[t] = sum[t - b.c] - loss[t];
  };

  for (int64_t y = begin - b.lead; y < begin - b.lead + b.window - 1; ++y) enter(y);
  for (int64_t i = begin; i < end; ++i) {
    enter(i - b.lead + b.window - 1);
    for (int f = 0; f < K; ++f) along(columns.data() + f * row, sums.data() + f * out_row);
    use(i, out.data());
    leave(i - b.lead);
  }
}

}  // namespace kintsugi::cpu
