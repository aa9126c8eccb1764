// How a tile of an operand (kRows x kDepth) lies in shared memory. Lines stay as they are in global memory (along the depth, or along the
// rows), so that 16 bytes travel as one; within a line the 16-byte chunks are permuted ("swizzled") so that neither the threads
// that write a tile nor those that read it hit one bank twice. tests/kernels/test_gemm_layout.cpp counts the conflicts.
#pragma once
#include "kernels/base/dtype.h"

namespace kintsugi {

template <class T, int kRows, int kDepth, bool kDepthInner>
struct TileLayout {
  static constexpr int kChunk = 16 / int(sizeof(T));                 // elements of a chunk
  static constexpr int kLine = kDepthInner ? kDepth : kRows;         // elements of a line
  static constexpr int kLines = kDepthInner ? kRows : kDepth;
  static constexpr int kChunksPerLine = kLine / kChunk;
  static constexpr int kElements = kRows * kDepth;
  static_assert(kLine % kChunk == 0);
  static_assert(kDepthInner ? kChunksPerLine == 4 : kChunksPerLine % 8 == 0, "the swizzles are for lines of 64 bytes, or multiples of 128");

  /// Where chunk `chunk` of line `line` stands, in chunks.
  /// Lines of 64 bytes: eight lines below each other are read together (a column of the tile); two lines fill the 32 banks, so every
  /// second line moves on by one chunk. Lines along the rows: eight lines of 16-bit elements are read together by ldmatrix, four
  /// lines of two chunks each by the tf32 fragments.
  static constexpr int chunk_at(int line, int chunk) {
    const int turn = kDepthInner ? line >> 1 & 3 : sizeof(T) == 2 ? line & 7 : (line & 3) * 2;
    return line * kChunksPerLine + (chunk ^ turn);
  }
  /// Where element (row, depth) stands, in elements.
  static constexpr int at(int row, int depth) {
    const int line = kDepthInner ? row : depth, within = kDepthInner ? depth : row;
    return chunk_at(line, within / kChunk) * kChunk + within % kChunk;
  }
};

/// Which of kRows rows the i-th of thread `t` (of kThreads side by side) is, in kernels where a thread owns kRows / kThreads rows of an f32
/// tile. Along lines it owns runs of four, one chunk; across lines neighbouring threads own neighbouring rows.
template <int kThreads, bool kDepthInner>
constexpr int owned_row(int t, int i) {
  return kDepthInner ? t + kThreads * i : t * 4 + i % 4 + kThreads * 4 * (i / 4);
}

}  // namespace kintsugi
