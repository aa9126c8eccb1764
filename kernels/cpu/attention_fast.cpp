// Attention by blocks. Keys and values of a head are packed once; a block of queries then needs two small products with
// the softmax of whole rows between them. Work is split by (sample, head, block), so one wide head still uses every thread.
#include <algorithm>

#include "kernels/attention.h"
#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/cpu/block_gemm.h"
#include "kernels/cpu/softmax_simd.h"

namespace kintsugi {
namespace cpu {
namespace {

constexpr int64_t kBlock = 48;  // rows of a block: 4 tiles of 12 with AVX-512, 8 of 6 without

int64_t blocks(int64_t tokens) { return (tokens + kBlock - 1) / kBlock; }

/// Offset of head `index` = sample * heads + head in an array of [n, tokens, channels].
template <class Args>
int64_t head_offset(const Args& a, int64_t index, int64_t tokens) {
  return index / a.heads * tokens * a.channels + index % a.heads * (a.channels / a.heads);
}

/// Packed copies of one array for the heads [first, first + count): as it stands [tokens, width], or transposed.
class PackedHeads {
 public:
  template <class Args>
  PackedHeads(const Args& a, const void* array, int64_t tokens, bool transposed, int64_t first, int64_t count)
      : gemm_{.k = transposed ? a.channels / a.heads : tokens, .n = transposed ? tokens : a.channels / a.heads},
        size_(gemm_.packed_size()), data_(size_ * count) {
    parallel_for(count, grain_for(size_), [&](int64_t begin, int64_t end) {
      for (int64_t h = begin; h < end; ++h)
        gemm_.pack(static_cast<const float*>(array) + head_offset(a, first + h, tokens), transposed ? 1 : a.channels,
                   transposed ? a.channels : 1, data_.data() + h * size_);
    });
  }
  /// c = a times head h of the packed ones.
  void multiply(int64_t h, int64_t rows, const float* a, int64_t a_row, int64_t a_col, float* c, int64_t c_row) const {
    gemm_.multiply(rows, a, a_row, a_col, data_.data() + h * size_, c, c_row);
  }

 private:
  BlockGemm gemm_;
  int64_t size_;
  Workspace data_;
};

/// f(head, first token, tokens) for all blocks of `tokens` of `count` heads, in parallel.
template <class F>
void each_block(int64_t count, int64_t tokens, F&& f) {
  const int64_t per_head = blocks(tokens);
  parallel_for(count * per_head, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b % per_head * kBlock;
      f(b / per_head, first, std::min(kBlock, tokens - first));
    }
  });
}

}  // namespace

void attention_fwd_fast(const Context&, const AttentionFwd& a) {
  const int64_t C = a.channels;
  const auto* q = static_cast<const float*>(a.q);
  auto* y = static_cast<float*>(a.y);
  const PackedHeads keys(a, a.k, a.keys, true, 0, a.n * a.heads), values(a, a.v, a.keys, false, 0, a.n * a.heads);
  each_block(a.n * a.heads, a.queries, [&](int64_t h, int64_t first, int64_t rows) {
    const Workspace scores(rows * a.keys);
    float* s = scores.data();
    const int64_t at = head_offset(a, h, a.queries) + first * C;
    keys.multiply(h, rows, q + at, C, 1, s, a.keys);
    KIN_SIMD_PICK(softmax_rows)(s, s, rows, a.keys, float(a.scale));
    values.multiply(h, rows, s, a.keys, 1, y + at, C);
  });
}

void attention_bwd_fast(const Context&, const AttentionBwd& a) {
  const int64_t C = a.channels, area = a.queries * a.keys;
  const auto *q = static_cast<const float*>(a.q), *gy = static_cast<const float*>(a.gy);
  // P and gS of a few heads at a time: half a MiB of each for every thread, so that they are still in its cache when they are read again.
  const int64_t heads = a.n * a.heads, batch = std::clamp<int64_t>((int64_t(threads()) << 17) / std::max<int64_t>(1, area), 1, heads);
  const Workspace p_space(batch * area), gs_space(batch * area);
  float *p = p_space.data(), *gs = gs_space.data();
  for (int64_t from = 0; from < heads; from += batch) {
    const int64_t count = std::min(batch, heads - from);
    const PackedHeads keys_t(a, a.k, a.keys, true, from, count), values_t(a, a.v, a.keys, true, from, count);
    const PackedHeads keys(a, a.k, a.keys, false, from, a.gq ? count : 0);
    each_block(count, a.queries, [&](int64_t h, int64_t first, int64_t rows) {
      const int64_t at = head_offset(a, from + h, a.queries) + first * C;
      float *pb = &p[h * area + first * a.keys], *gsb = &gs[h * area + first * a.keys];
      keys_t.multiply(h, rows, q + at, C, 1, pb, a.keys);
      KIN_SIMD_PICK(softmax_rows)(pb, pb, rows, a.keys, float(a.scale));
      values_t.multiply(h, rows, gy + at, C, 1, gsb, a.keys);
      KIN_SIMD_PICK(softmax_row_grads)(gsb, pb, gsb, rows, a.keys, float(a.scale));
      if (a.gq) keys.multiply(h, rows, gsb, a.keys, 1, static_cast<float*>(a.gq) + at, C);
    });
    const PackedHeads queries(a, a.q, a.queries, false, from, a.gk ? count : 0);
    const PackedHeads upstream(a, a.gy, a.queries, false, from, a.gv ? count : 0);
    each_block(count, a.keys, [&](int64_t h, int64_t first, int64_t rows) {  // transposed reads of gS and P
      const int64_t at = head_offset(a, from + h, a.keys) + first * C;
      if (a.gk) queries.multiply(h, rows, &gs[h * area + first], 1, a.keys, static_cast<float*>(a.gk) + at, C);
      if (a.gv) upstream.multiply(h, rows, &p[h * area + first], 1, a.keys, static_cast<float*>(a.gv) + at, C);
    });
  }
}

}  // namespace cpu
}  // namespace kintsugi
