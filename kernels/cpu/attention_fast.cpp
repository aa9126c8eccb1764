// Attention by blocks. Keys and values of a head are packed once; a block of queries then needs two small products with
// the softmax of whole rows between them. Work is split by (sample, head, block), so one wide head still uses every thread.
#include <algorithm>
#include <memory>

#include "kernels/attention.h"
#include "kernels/base/parallel.h"
#include "kernels/cpu/block_gemm.h"
#include "kernels/cpu/softmax_simd.h"

namespace kintsugi {
namespace cpu {
namespace {

constexpr int64_t kBlock = 48;  // rows of a block: a multiple of every tile height of block_gemm

std::unique_ptr<float[]> scratch(int64_t n) { return std::unique_ptr<float[]>(new float[n]); }

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
      : size_(transposed ? block_gemm_packed_size(a.channels / a.heads, tokens)
                         : block_gemm_packed_size(tokens, a.channels / a.heads)),
        data_(scratch(size_ * count)) {
    const int64_t width = a.channels / a.heads;
    parallel_for(count, grain_for(size_), [&](int64_t begin, int64_t end) {
      for (int64_t h = begin; h < end; ++h) {
        const float* from = static_cast<const float*>(array) + head_offset(a, first + h, tokens);
        transposed ? KIN_SIMD_PICK(block_gemm_pack)(from, 1, a.channels, width, tokens, &data_[h * size_])
                   : KIN_SIMD_PICK(block_gemm_pack)(from, a.channels, 1, tokens, width, &data_[h * size_]);
      }
    });
  }
  const float* operator[](int64_t h) const { return &data_[h * size_]; }

 private:
  int64_t size_;
  std::unique_ptr<float[]> data_;
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
  const int64_t C = a.channels, width = C / a.heads;
  const auto* q = static_cast<const float*>(a.q);
  auto* y = static_cast<float*>(a.y);
  const PackedHeads keys(a, a.k, a.keys, true, 0, a.n * a.heads), values(a, a.v, a.keys, false, 0, a.n * a.heads);
  each_block(a.n * a.heads, a.queries, [&](int64_t h, int64_t first, int64_t rows) {
    const auto s = scratch(rows * a.keys);
    const int64_t at = head_offset(a, h, a.queries) + first * C;
    KIN_SIMD_PICK(block_gemm)(rows, a.keys, width, q + at, C, 1, keys[h], s.get(), a.keys);
    KIN_SIMD_PICK(softmax_rows)(s.get(), s.get(), rows, a.keys, float(a.scale));
    KIN_SIMD_PICK(block_gemm)(rows, width, a.keys, s.get(), a.keys, 1, values[h], y + at, C);
  });
}

void attention_bwd_fast(const Context&, const AttentionBwd& a) {
  const int64_t C = a.channels, width = C / a.heads, area = a.queries * a.keys;
  const auto *q = static_cast<const float*>(a.q), *gy = static_cast<const float*>(a.gy);
  // P and gS of a few heads at a time: enough heads to feed the threads, at most about 64 MiB.
  const int64_t heads = a.n * a.heads, batch = std::clamp<int64_t>((int64_t(8) << 20) / std::max<int64_t>(1, area), 1, heads);
  const auto p = scratch(batch * area), gs = scratch(batch * area);
  for (int64_t from = 0; from < heads; from += batch) {
    const int64_t count = std::min(batch, heads - from);
    const PackedHeads keys_t(a, a.k, a.keys, true, from, count), values_t(a, a.v, a.keys, true, from, count);
    const PackedHeads keys(a, a.k, a.keys, false, from, a.gq ? count : 0);
    each_block(count, a.queries, [&](int64_t h, int64_t first, int64_t rows) {
      const int64_t at = head_offset(a, from + h, a.queries) + first * C;
      float *pb = &p[h * area + first * a.keys], *gsb = &gs[h * area + first * a.keys];
      KIN_SIMD_PICK(block_gemm)(rows, a.keys, width, q + at, C, 1, keys_t[h], pb, a.keys);
      KIN_SIMD_PICK(softmax_rows)(pb, pb, rows, a.keys, float(a.scale));
      KIN_SIMD_PICK(block_gemm)(rows, a.keys, width, gy + at, C, 1, values_t[h], gsb, a.keys);
      KIN_SIMD_PICK(softmax_row_grads)(gsb, pb, gsb, rows, a.keys, float(a.scale));
      if (a.gq)
        KIN_SIMD_PICK(block_gemm)(rows, width, a.keys, gsb, a.keys, 1, keys[h], static_cast<float*>(a.gq) + at, C);
    });
    const PackedHeads queries(a, a.q, a.queries, false, from, a.gk ? count : 0);
    const PackedHeads upstream(a, a.gy, a.queries, false, from, a.gv ? count : 0);
    each_block(count, a.keys, [&](int64_t h, int64_t first, int64_t rows) {  // transposed reads of gS and P
      const int64_t at = head_offset(a, from + h, a.keys) + first * C;
      if (a.gk)
        KIN_SIMD_PICK(block_gemm)
        (rows, width, a.queries, &gs[h * area + first], 1, a.keys, queries[h], static_cast<float*>(a.gk) + at, C);
      if (a.gv)
        KIN_SIMD_PICK(block_gemm)
        (rows, width, a.queries, &p[h * area + first], 1, a.keys, upstream[h], static_cast<float*>(a.gv) + at, C);
    });
  }
}

}  // namespace cpu
}  // namespace kintsugi
