// One copy for permuting, broadcasting, slicing and concatenating. Floor: src read once, dst written once; both only reach it when
// neighbouring threads touch neighbouring addresses on both sides.
#include "kernels/strided_copy.h"

#include "kernels/gpu/vector.h"
#include "kernels/gpu/walk.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 256;

template <class F>
void visit_size(DType t, F&& f) {
  switch (size_of(t)) {
    case 8: return f.template operator()<uint64_t>();
    case 4: return f.template operator()<uint32_t>();
    case 2: return f.template operator()<uint16_t>();
    default: return f.template operator()<uint8_t>();
  }
}

// naive: one thread per element.
template <class T, class I>
__global__ void __launch_bounds__(kThreads) per_element(T* dst, const T* src, PairWalk walk, I n) {
  const I i = I(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const Offsets o = offsets_at(walk, i);
  dst[o.a] = src[o.b];
}

template <class T>
void copy(const Context& context, void* dst, const void* src, const PairWalk& walk) {
  const int64_t n = walk.count();
  visit_index(n, [&]<class I>() {
    launch({blocks_for(n, kThreads), kThreads, 0, context.stream}, per_element<T, I>, static_cast<T*>(dst), static_cast<const T*>(src), walk, I(n));
  });
}

// tile: a transpose through shared memory. A warp reads 32 neighbours along src's axis and writes 32 along dst's; the 33rd column keeps the
// reads of a tile's column on 32 banks.
constexpr int kTile = 32, kTileRows = 8;

struct Tiles {
  PairWalk walk;        // counted in tiles along the two axes
  int64_t across, down; // tiles along dst's last axis, and along src's stride-1 axis
  int64_t after;        // tiles passed by one step along src's axis
  int64_t columns, rows;
  int64_t dst_row, src_column;  // strides: of dst along src's axis, of src along dst's
};

template <class T>
__global__ void __launch_bounds__(kTile* kTileRows) per_tile(T* dst, const T* src, Tiles t) {
  KIN_SHARED(T, tile, [kTile][kTile + 1]);
  const int64_t at = blockIdx.x;
  const Offsets o = offsets_at(t.walk, at);
  const int rows = int(min(int64_t(kTile), t.rows - at / t.after % t.down * kTile)), columns = int(min(int64_t(kTile), t.columns - at % t.across * kTile));
  const int x = int(threadIdx.x), y = int(threadIdx.y);
  for (int c = y; c < columns; c += kTileRows)
    if (x < rows) tile[x][c] = src[o.b + x + c * t.src_column];
  __syncthreads();
  for (int r = y; r < rows; r += kTileRows)
    if (x < columns) dst[o.a + r * t.dst_row + x] = tile[r][x];
}

}  // namespace

void strided_copy_naive(const Context& context, const StridedCopy& p) {
  visit_size(p.dtype, [&]<class T>() { copy<T>(context, p.dst, p.src, p.walk); });
}

// vector: the same, with 16 bytes of the last axis for an element.
void strided_copy_vector(const Context& context, const StridedCopy& p) {
  PairWalk walk = p.walk;
  const int64_t width = 16 / int64_t(size_of(p.dtype));
  const int last = walk.rank - 1;
  walk.dims[last] /= width;
  for (int d = 0; d < last; ++d) {
    walk.a[d] /= width;
    walk.b[d] /= width;
  }
  copy<Vector<uint32_t>>(context, p.dst, p.src, walk);
}

void strided_copy_tile(const Context& context, const StridedCopy& p) {
  const PairWalk& w = p.walk;
  const int last = w.rank - 1;
  int along = 0;
  while (w.b[along] != 1) ++along;
  Tiles t{{}, blocks_for(w.dims[last], kTile), blocks_for(w.dims[along], kTile), 1, w.dims[last], w.dims[along], w.a[along], w.b[last]};
  for (int d = 0; d < w.rank; ++d) {
    const int64_t step = d == along || d == last ? kTile : 1;
    t.walk.push((w.dims[d] + step - 1) / step, w.a[d] * step, w.b[d] * step);
    if (d > along) t.after *= t.walk.dims[d];
  }
  visit_size(p.dtype, [&]<class T>() {
    launch({unsigned(t.walk.count()), {kTile, kTileRows}, 0, context.stream}, per_tile<T>, static_cast<T*>(p.dst), static_cast<const T*>(p.src), t);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
