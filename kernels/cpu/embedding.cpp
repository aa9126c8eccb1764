#include "kernels/embedding.h"

#include <algorithm>

#include "kernels/base/parallel.h"

namespace kintsugi {
namespace cpu {

void embedding_ref(const Context&, const Embedding& a) {
  visit_float(a.dtype, "embedding_fwd", [&]<class T>() {
    const T* table = static_cast<const T*>(a.table);
    T* y = static_cast<T*>(a.y);
    for (int64_t r = 0; r < a.rows; ++r) std::copy_n(table + a.indices[r] * a.width, a.width, y + r * a.width);
  });
}

void embedding_adjoint_ref(const Context&, const EmbeddingAdjoint& a) {
  visit_float(a.dtype, "embedding_adjoint_fwd", [&]<class T>() {
    const T* gy = static_cast<const T*>(a.gy);
    T* g = static_cast<T*>(a.gtable);
    std::fill_n(g, a.entries * a.width, T(0));
    // A thread owns columns, so every element is summed by one thread in the order of the rows.
    parallel_for(a.width, std::max<int64_t>(64, grain_for(a.rows)), [&](int64_t begin, int64_t end) {
      for (int64_t r = 0; r < a.rows; ++r)
        for (int64_t d = begin; d < end; ++d) g[a.indices[r] * a.width + d] += gy[r * a.width + d];
    });
  });
}

}  // namespace cpu
}  // namespace kintsugi
