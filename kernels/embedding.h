// Rows of a table by number, and the adjoint that adds rows back:
//   embedding:          y_r = table[index_r]
//   embedding_adjoint:  gtable_k = sum over r with index_r = k of gy_r, in the order of r
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct Embedding {
  const void* table;       // [entries, width]
  const int64_t* indices;  // [rows], each in [0, entries)
  void* y;                 // [rows, width]
  int64_t rows, entries, width;
  DType dtype;
};
struct EmbeddingAdjoint {
  const void* gy;          // [rows, width]
  const int64_t* indices;  // [rows]
  void* gtable;            // [entries, width], overwritten; zero where no index points
  int64_t rows, entries, width;
  DType dtype;
};

extern const Family<Embedding> embedding_fwd;
extern const Family<EmbeddingAdjoint> embedding_adjoint_fwd;

}  // namespace kintsugi
