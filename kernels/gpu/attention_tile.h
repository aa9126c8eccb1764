// Attention with one block for 64 tokens of one head: what the rows "tile" (fp32 units) and "mma" (tensor cores) share.
//
// A block takes 64 tokens of one side, its rows, against all tokens of the other side, at most 256, its columns. Three steps do everything:
//   scores   s = a b^T over the channels of the head; 64 x 256 sums stay in the registers of 256 threads
//   softmax  along the rows, in registers: all keys of a query are there at once, so nothing is ever rescaled
//   mix      weights b, the weights read back from shared memory
// and three kernels are made of them:
//   forward            p = softmax(scale q k^T),  y = p v
//   backward, queries  p again, g = gy v^T,  gs = scale p (g - rowsum(g p)),  gq = gs k;  leaves three numbers per query for
//   backward, keys     rows are keys: p^T from k, q and those numbers,  gv = p^T gy,  gk = gs^T q
// Every sum has one owner: no atomics, the same bits on every run. Channels pass through shared memory 64 at a time, so a head of 64 has its whole K
// there, and then its whole V, whose copy runs during the softmax.
//
// A core says how scores lie in registers and how tiles are multiplied:
//   Element, Weight, kWeightPitch              types, and the elements of a line of weights
//   Scores: kRows, kColumns, at(r, c)          what one thread holds
//   row(r), column(c), leads()                 where it stands in the block's 64 x 256; leads(): one thread of those that share rows
//   multiply(s, a, b, columns, depth)          s += a b^T
//   reduce<Op>(v)                              v[r] combined over the columns; all threads take part
//   put(s, weights, columns)                   to shared memory
//   mix(weights, b, columns, depth, store)     store(row, channel, v0, v1) for pairs of neighbouring channels
#pragma once
#include "kernels/attention.h"
#include "kernels/base/device_runtime.h"
#include "kernels/simt/cp_async.h"
#include "kernels/simt/pack.h"
#include "kernels/simt/reduce.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

struct AttentionTile {
  static constexpr int kRows = 64, kColumns = 256, kChunk = 64, kThreads = 256;
  /// Elements of a token's line in shared memory: an odd number of 16-byte chunks, so that eight lines below each other lie in different banks.
  template <class T> static constexpr int kPitch = kChunk + kPack<T>;
};

/// Bytes of dynamic shared memory: the columns' tile, the rows' tile, the weights.
template <class T, class Weight>
constexpr size_t attention_shared_bytes(int weight_pitch) {
  using Tile = AttentionTile;
  return size_t(Tile::kColumns + Tile::kRows) * Tile::kPitch<T> * sizeof(T) + size_t(Tile::kRows) * size_t(weight_pitch) * sizeof(Weight);
}

/// The tokens of one head of one image: channel d of token i at data[i * step + d].
template <class T>
struct HeadTokens {
  T* data;
  int64_t step;
  int count;
};

/// What a query leaves for the gradients of keys and values: p = exp2(scale_log2 q k^T - most) * inverse, and rowsum(g p).
struct QuerySums {
  float most, inverse, row;
};

template <class T>
struct AttentionProblem {
  const T *gy, *q, *k, *v;
  T *y, *gq, *gk, *gv;
  QuerySums* sums;  // [n, heads, queries], backward only
  int64_t channels;
  int heads, queries, keys, width;
  float scale;
  bool vectors;  // lines of a head are whole 16-byte chunks

  template <class P>
  __device__ HeadTokens<P> tokens(P* data, int n, int head, int count) const {
    return {data + int64_t(n) * count * channels + head * width, channels, count};
  }
};

template <class Core>
struct AttentionBlock {
  using Tile = AttentionTile;
  using T = typename Core::Element;
  using Scores = typename Core::Scores;
  static constexpr int kPitch = Tile::kPitch<T>;

  T *b, *a;  // tiles of the columns' and of the rows' tokens
  typename Core::Weight* weights;
  int n, head, first;  // what this block is about; first: of its rows
  int width;
  bool vectors;

  __device__ AttentionBlock(const AttentionProblem<T>& p, int row_tokens, unsigned char* shared) : width(p.width), vectors(p.vectors) {
    b = reinterpret_cast<T*>(shared);
    a = b + Tile::kColumns * kPitch;
    weights = reinterpret_cast<typename Core::Weight*>(a + Tile::kRows * kPitch);
    const int blocks = (row_tokens + Tile::kRows - 1) / Tile::kRows, i = int(blockIdx.x) / blocks;
    first = (int(blockIdx.x) - i * blocks) * Tile::kRows;
    n = i / p.heads;
    head = i - n * p.heads;
  }

  /// Channels of a tile that are read: the wanted ones and zeros up to a multiple of 16.
  __device__ int depth(int channel) const { return (min(Tile::kChunk, width - channel) + 15) / 16 * 16; }
  /// Columns that are read, likewise in multiples of 32.
  static __device__ int spread(int columns) { return (columns + 31) / 32 * 32; }

  /// Begins to bring channels [channel, channel + 64) of tokens [from, from + kCount) into a tile, with zeros beyond the last of either as far as
  /// anybody reads: all rows, and of the columns a multiple of 32.
  template <int kCount>
  __device__ __forceinline__ void begin_copy(T* to, const HeadTokens<const T>& tokens, int from, int channel) const {
    const int left = tokens.count - from, lines = kCount == Tile::kRows ? kCount : min(kCount, spread(left)), wanted = width - channel, filled = depth(channel);
    if (vectors) {
      constexpr int kPerLine = Tile::kChunk / kPack<T>;
      for (int i = int(threadIdx.x); i < lines * kPerLine; i += Tile::kThreads) {
        const int line = i / kPerLine, at = i % kPerLine * kPack<T>;
        if (at >= filled) continue;
        const bool inside = line < left && at < wanted;
        cp_async<16>(to + line * kPitch + at, inside ? tokens.data + (from + line) * tokens.step + channel + at : tokens.data, inside);
      }
      cp_async_commit();
    } else {
      for (int i = int(threadIdx.x); i < lines * Tile::kChunk; i += Tile::kThreads) {
        const int line = i / Tile::kChunk, at = i % Tile::kChunk;
        if (at >= filled) continue;
        to[line * kPitch + at] = line < left && at < wanted ? tokens.data[(from + line) * tokens.step + channel + at] : T(0.0f);
      }
    }
  }
  static __device__ __forceinline__ void end_copy() {
    cp_async_wait<0>();
    __syncthreads();
  }

  /// s = rows columns^T. Nobody reads the tiles any more when it returns.
  __device__ __forceinline__ void scores(Scores& s, const HeadTokens<const T>& rows, const HeadTokens<const T>& columns) const {
#pragma unroll
    for (int r = 0; r < Scores::kRows; ++r)
#pragma unroll
      for (int c = 0; c < Scores::kColumns; ++c) s.at(r, c) = 0;
#pragma unroll 1
    for (int channel = 0; channel < width; channel += Tile::kChunk) {
      begin_copy<Tile::kRows>(a, rows, first, channel);
      begin_copy<Tile::kColumns>(b, columns, 0, channel);
      end_copy();
      Core::multiply(s, a, b, spread(columns.count), depth(channel));
      __syncthreads();
    }
  }

  /// Begins the copy that the next mix starts with, so that it runs beside what comes before.
  __device__ __forceinline__ void prefetch(const HeadTokens<const T>& columns) const { begin_copy<Tile::kColumns>(b, columns, 0, 0); }

  /// to = weights columns, after prefetch(columns) and put.
  __device__ __forceinline__ void mix(const HeadTokens<const T>& columns, const HeadTokens<T>& to) const {
#pragma unroll 1
    for (int channel = 0; channel < width; channel += Tile::kChunk) {
      if (channel > 0) begin_copy<Tile::kColumns>(b, columns, 0, channel);
      end_copy();
      Core::mix(weights, b, spread(columns.count), depth(channel), [&](int row, int at, float v0, float v1) {
        if (first + row >= to.count || channel + at >= width) return;
        T* y = to.data + (first + row) * to.step + channel + at;
        if (vectors) {
          store_pack(y, Pack<T, 2>{T(v0), T(v1)});
        } else {
          y[0] = T(v0);
          if (channel + at + 1 < width) y[1] = T(v1);
        }
      });
      __syncthreads();
    }
  }

  /// s becomes softmax(scale s) over the first `columns`, zero beyond.
  static __device__ __forceinline__ void softmax(Scores& s, float scale, int columns, float (&most)[Scores::kRows], float (&inverse)[Scores::kRows]) {
    const float scale_log2 = scale * kLog2E;
#pragma unroll
    for (int r = 0; r < Scores::kRows; ++r) {
      most[r] = -INFINITY;
#pragma unroll
      for (int c = 0; c < Scores::kColumns; ++c)
        if (Core::column(c) < columns) most[r] = max(most[r], s.at(r, c) *= scale_log2);
    }
    Core::template reduce<Max>(most);
#pragma unroll
    for (int r = 0; r < Scores::kRows; ++r) {
      inverse[r] = 0;
#pragma unroll
      for (int c = 0; c < Scores::kColumns; ++c) inverse[r] += s.at(r, c) = Core::column(c) < columns ? exp2f(s.at(r, c) - most[r]) : 0.0f;
    }
    Core::template reduce<Sum>(inverse);
#pragma unroll
    for (int r = 0; r < Scores::kRows; ++r) {
      inverse[r] = 1 / inverse[r];
#pragma unroll
      for (int c = 0; c < Scores::kColumns; ++c) s.at(r, c) *= inverse[r];
    }
  }

  static constexpr float kLog2E = 1.44269504088896340736f;
};

template <class Core>
__global__ void __launch_bounds__(AttentionTile::kThreads) attention_forward(AttentionProblem<typename Core::Element> p) {
  KIN_DYNAMIC_SHARED(unsigned char, shared);
  using Scores = typename Core::Scores;
  const AttentionBlock<Core> block(p, p.queries, shared);
  const auto v = p.tokens(p.v, block.n, block.head, p.keys);
  Scores s;
  block.scores(s, p.tokens(p.q, block.n, block.head, p.queries), p.tokens(p.k, block.n, block.head, p.keys));
  block.prefetch(v);
  float most[Scores::kRows], inverse[Scores::kRows];
  block.softmax(s, p.scale, p.keys, most, inverse);
  Core::put(s, block.weights, block.spread(p.keys));
  block.mix(v, p.tokens(p.y, block.n, block.head, p.queries));
}

template <class Core>
__global__ void __launch_bounds__(AttentionTile::kThreads) attention_backward_queries(AttentionProblem<typename Core::Element> p) {
  KIN_DYNAMIC_SHARED(unsigned char, shared);
  using Scores = typename Core::Scores;
  const AttentionBlock<Core> block(p, p.queries, shared);
  const auto k = p.tokens(p.k, block.n, block.head, p.keys);
  Scores s, g;
  block.scores(s, p.tokens(p.q, block.n, block.head, p.queries), k);
  float most[Scores::kRows], inverse[Scores::kRows], row[Scores::kRows];
  block.softmax(s, p.scale, p.keys, most, inverse);
  block.scores(g, p.tokens(p.gy, block.n, block.head, p.queries), p.tokens(p.v, block.n, block.head, p.keys));
  if (p.gq) block.prefetch(k);
#pragma unroll
  for (int r = 0; r < Scores::kRows; ++r) {
    row[r] = 0;
#pragma unroll
    for (int c = 0; c < Scores::kColumns; ++c) row[r] += s.at(r, c) * g.at(r, c);
  }
  Core::template reduce<Sum>(row);
  if (Core::leads()) {
    QuerySums* sums = p.sums + (int64_t(block.n) * p.heads + block.head) * p.queries;
#pragma unroll
    for (int r = 0; r < Scores::kRows; ++r)
      if (const int query = block.first + Core::row(r); query < p.queries) sums[query] = {most[r], inverse[r], row[r]};
  }
  if (!p.gq) return;
#pragma unroll
  for (int r = 0; r < Scores::kRows; ++r)
#pragma unroll
    for (int c = 0; c < Scores::kColumns; ++c) g.at(r, c) = p.scale * s.at(r, c) * (g.at(r, c) - row[r]);
  Core::put(g, block.weights, block.spread(p.keys));
  block.mix(k, p.tokens(p.gq, block.n, block.head, p.queries));
}

template <class Core>
__global__ void __launch_bounds__(AttentionTile::kThreads) attention_backward_keys(AttentionProblem<typename Core::Element> p) {
  KIN_DYNAMIC_SHARED(unsigned char, shared);
  KIN_SHARED(QuerySums, sums, [AttentionTile::kColumns]);
  using Scores = typename Core::Scores;
  const AttentionBlock<Core> block(p, p.keys, shared);
  for (int i = int(threadIdx.x); i < p.queries; i += AttentionTile::kThreads)
    sums[i] = p.sums[(int64_t(block.n) * p.heads + block.head) * p.queries + i];
  const auto q = p.tokens(p.q, block.n, block.head, p.queries), gy = p.tokens(p.gy, block.n, block.head, p.queries);
  Scores s, g;
  block.scores(s, p.tokens(p.k, block.n, block.head, p.keys), q);
  block.scores(g, p.tokens(p.v, block.n, block.head, p.keys), gy);
  if (p.gv) block.prefetch(gy);
#pragma unroll
  for (int c = 0; c < Scores::kColumns; ++c) {
    const bool inside = Core::column(c) < p.queries;
    const QuerySums of = inside ? sums[Core::column(c)] : QuerySums{};
#pragma unroll
    for (int r = 0; r < Scores::kRows; ++r) {
      s.at(r, c) = inside ? exp2f(s.at(r, c) * (p.scale * block.kLog2E) - of.most) * of.inverse : 0.0f;
      g.at(r, c) = p.scale * s.at(r, c) * (g.at(r, c) - of.row);
    }
  }
  const int columns = block.spread(p.queries);
  if (p.gv) {
    Core::put(s, block.weights, columns);
    block.mix(gy, p.tokens(p.gv, block.n, block.head, p.keys));
  }
  if (!p.gk) return;
  block.prefetch(q);
  Core::put(g, block.weights, columns);
  block.mix(q, p.tokens(p.gk, block.n, block.head, p.keys));
}

// ---- the launches --------------------------------------------------------------------------------------------------------------------

template <class T, class Args, class... P>
AttentionProblem<T> attention_problem(const Args& a, const P*... operands) {
  AttentionProblem<T> p{};
  p.channels = a.channels;
  p.heads = int(a.heads);
  p.queries = int(a.queries);
  p.keys = int(a.keys);
  p.width = int(a.channels / a.heads);
  p.scale = float(a.scale);
  p.vectors = p.width % kPack<T> == 0 && ((reinterpret_cast<uintptr_t>(operands) % 16 == 0) && ...);
  return p;
}

template <class Core>
void run_attention_fwd(const Context& context, const AttentionFwd& a) {
  using T = typename Core::Element;
  AttentionProblem<T> p = attention_problem<T>(a, a.q, a.k, a.v, a.y);
  p.q = static_cast<const T*>(a.q);
  p.k = static_cast<const T*>(a.k);
  p.v = static_cast<const T*>(a.v);
  p.y = static_cast<T*>(a.y);
  const size_t shared = attention_shared_bytes<T, typename Core::Weight>(Core::kWeightPitch);
  launch({unsigned(a.n * a.heads) * blocks_for(a.queries, AttentionTile::kRows), AttentionTile::kThreads, shared, context.stream}, attention_forward<Core>, p);
}

template <class Core>
void run_attention_bwd(const Context& context, const AttentionBwd& a) {
  using T = typename Core::Element;
  AttentionProblem<T> p = attention_problem<T>(a, a.q, a.k, a.v, a.gy, a.gq, a.gk, a.gv);
  p.q = static_cast<const T*>(a.q);
  p.k = static_cast<const T*>(a.k);
  p.v = static_cast<const T*>(a.v);
  p.gy = static_cast<const T*>(a.gy);
  p.gq = static_cast<T*>(a.gq);
  p.gk = static_cast<T*>(a.gk);
  p.gv = static_cast<T*>(a.gv);
  const DeviceBlock sums(context.device, size_t(a.n * a.heads * a.queries) * sizeof(QuerySums), context.stream);
  p.sums = static_cast<QuerySums*>(sums.data());
  const size_t shared = attention_shared_bytes<T, typename Core::Weight>(Core::kWeightPitch);
  const unsigned heads = unsigned(a.n * a.heads);
  launch({heads * blocks_for(a.queries, AttentionTile::kRows), AttentionTile::kThreads, shared, context.stream}, attention_backward_queries<Core>, p);
  if (a.gk || a.gv)
    launch({heads * blocks_for(a.keys, AttentionTile::kRows), AttentionTile::kThreads, shared, context.stream}, attention_backward_keys<Core>, p);
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
