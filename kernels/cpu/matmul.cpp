#include "kernels/matmul.h"

#include <algorithm>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/workspace.h"
#include "kernels/cpu/gemm.h"
#include "kernels/matmul_folded.h"

namespace kintsugi::cpu {
namespace {

template <class T>
void matmul_plain(const Matmul& p) {
  const T* bias = static_cast<const T*>(p.bias);
  // One row of C per element of the loop; with stride_c = 0 the whole batch adds into the same row.
  const int64_t results = p.stride_c == 0 ? 1 : p.batch, summed = p.stride_c == 0 ? p.batch : 1;
  parallel_for(results * p.m, grain_for(2 * summed * p.n * p.k), [&](int64_t begin, int64_t end) {
    std::vector<double> sum(p.n);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = r % p.m, first = r / p.m;
      std::fill(sum.begin(), sum.end(), 0.0);
      for (int64_t batch = first; batch < first + summed; ++batch) {
        const T* a = static_cast<const T*>(p.a) + batch * p.stride_a;
        const T* b = static_cast<const T*>(p.b) + batch * p.stride_b;
        for (int64_t k = 0; k < p.k; ++k) {
          const double x = p.ta ? a[k * p.m + i] : a[i * p.k + k];
          for (int64_t j = 0; j < p.n; ++j) sum[j] += x * (p.tb ? b[j * p.k + k] : b[k * p.n + j]);
        }
      }
      T* c = static_cast<T*>(p.c) + first * p.stride_c + i * p.n;
      for (int64_t j = 0; j < p.n; ++j) {
        double y = sum[j] + (bias ? double(bias[j]) : 0.0);
        if (p.accumulate) y += c[j];
        c[j] = T(y);
      }
    }
  });
}

// Blocks: a panel of B (kDepth x 32 floats) streams from L2 once per row tile; a block of packed A (block rows x kDepth)
// stays in L2 while all panels pass.
constexpr int64_t kDepth = 384;
constexpr int64_t kMaxTiles = 8;     // row tiles of a block
constexpr int64_t kMinBlocks = 8;    // blocks wanted before they grow, so that several threads find work
constexpr int64_t kSmall = 1 << 16;  // multiply-adds below which waking a thread costs more than it saves

// One matrix product. The row blocks are spread over the threads unless it is small or already inside a parallel_for.
void product(const Gemm& g, const Matmul& p, const float* a, const float* b, float* c, const float* bias, bool accumulate) {
  const int64_t panels = (p.n + g.columns - 1) / g.columns;
  const int64_t row_tiles = (p.m + g.rows - 1) / g.rows;
  const int64_t block_rows = g.rows * std::clamp<int64_t>(row_tiles / kMinBlocks, 1, kMaxTiles);
  const int64_t blocks = (p.m + block_rows - 1) / block_rows;
  const bool small = p.m * p.n * p.k <= kSmall;
  // The rows of A as they lie serve the micro-kernel too, as long as they stay in L1. Rows a multiple of 1 KB apart fall into
  // the same few cache sets and are copied.
  const bool pack_a = p.ta || (panels > 2 && (p.k > 512 || p.k % 256 == 0));
  const EvenTiles depths(std::max<int64_t>(p.k, 1), kDepth);
  const Workspace packed_b(panels * g.columns * std::min(p.k, kDepth));
  for (int64_t part = 0; part < depths.count; ++part) {
    const int64_t k0 = depths.begin(part), depth = std::min(p.k, depths.begin(part + 1)) - k0;
    parallel_for(panels, small ? panels : grain_for(4 * g.columns * depth), [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j)
        g.pack(packed_b.data() + j * g.columns * depth, g.columns,
               p.tb ? b + j * g.columns * p.k + k0 : b + k0 * p.n + j * g.columns, p.tb ? 1 : p.n, p.tb ? p.k : 1, depth,
               std::min<int64_t>(g.columns, p.n - j * g.columns));
    });
    parallel_for(blocks, small ? blocks : 1, [&](int64_t begin, int64_t end) {
      const Workspace packed_a(pack_a ? block_rows * depth : 0);
      for (int64_t block = begin; block < end; ++block) {
        const int64_t row0 = block * block_rows;
        const EvenTiles tiles(std::min(block_rows, p.m - row0), g.rows);
        const auto tile_a = [&](int64_t i) { return packed_a.data() + tiles.begin(i) * depth; };
        if (pack_a)
          for (int64_t i = 0; i < tiles.count; ++i) {
            const int64_t row = row0 + tiles.begin(i), m = tiles.begin(i + 1) - tiles.begin(i);
            g.pack(tile_a(i), m, p.ta ? a + k0 * p.m + row : a + row * p.k + k0, p.ta ? p.m : 1, p.ta ? 1 : p.k, depth, m);
          }
        GemmTile t{};
        t.segments = 1;
        t.depth = depth;
        t.b_depth = g.columns;
        t.c_row = p.n;
        t.accumulate = accumulate || k0 > 0;
        for (int64_t j = 0; j < panels; ++j) {
          t.n = int(std::min<int64_t>(g.columns, p.n - j * g.columns));
          t.b = packed_b.data() + j * g.columns * depth;
          t.bias = bias && k0 == 0 ? bias + j * g.columns : nullptr;
          for (int64_t i = 0; i < tiles.count; ++i) {
            const int64_t row = row0 + tiles.begin(i);
            t.m = int(tiles.begin(i + 1) - tiles.begin(i));
            t.a = pack_a ? tile_a(i) : a + row * p.k + k0;
            t.a_row = pack_a ? 1 : p.k;
            t.a_depth = pack_a ? t.m : 1;
            t.c = c + row * p.n + j * g.columns;
            g.tile(t);
          }
        }
      }
    });
  }
}

}  // namespace

void matmul_ref(const Context&, const Matmul& p) {
  visit_float(p.dtype, "matmul", [&]<class T>() { matmul_plain<T>(p); });
}

void matmul_fast(const Context&, const Matmul& args) {
  const Matmul p = folded(args);
  const Gemm g = gemm();
  const bool sum = p.stride_c == 0;
  const auto one = [&](int64_t i) {
    const bool first = !sum || i == 0;
    product(g, p, static_cast<const float*>(p.a) + i * p.stride_a, static_cast<const float*>(p.b) + i * p.stride_b,
            static_cast<float*>(p.c) + i * p.stride_c, first ? static_cast<const float*>(p.bias) : nullptr,
            p.accumulate || !first);
  };
  // Few large matrices are cut into row blocks, many small ones are dealt out whole.
  if (sum || p.batch == 1 || (p.batch < kMinBlocks && p.m * p.n * p.k > 16 * kSmall)) {
    for (int64_t i = 0; i < p.batch; ++i) one(i);
  } else {
    parallel_for(p.batch, grain_for(p.m * p.n * p.k, kSmall), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) one(i);
    });
  }
}

}  // namespace kintsugi::cpu
