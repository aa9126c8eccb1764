#include "autograd/ops/embedding.h"

#include "autograd/node.h"
#include "autograd/op_scope.h"
#include "autograd/ops/indices.h"
#include "kernels/embedding.h"
#include "tensor/context.h"

namespace kintsugi {

Var embedding(const Var& table, const Tensor& indices) {
  const OpScope scope("embedding", {{"table", table}, {"indices", indices}});
  KIN_CHECK(table.rank() == 2, "embedding: table must be [K,D], got ", table.value());
  check_indices("embedding", "indices", indices, table.dim(0));
  const int64_t entries = table.dim(0), width = table.dim(1);
  std::vector<int64_t> dims(indices.shape().begin(), indices.shape().end());
  dims.push_back(width);
  Tensor y(Shape(dims), table.dtype(), table.value().device());
  embedding_fwd(context_of(y), {table.value().raw(), indices.raw<int64_t>(), y.raw(), indices.numel(), entries, width, y.dtype()});
  return record("embedding", {table}, y, [indices, entries](const Var& gy, const Wants&) -> Vars {
    return {embedding_adjoint(gy, indices, entries)};
  });
}

Var embedding_adjoint(const Var& gy, const Tensor& indices, int64_t entries) {
  const char* op = "embedding_adjoint";
  const OpScope scope(op, {{"gy", gy}, {"indices", indices}});
  check_indices(op, "indices", indices, entries);
  const auto dims = gy.shape().dims();
  KIN_CHECK(gy.rank() >= 1 && Shape(dims.first(dims.size() - 1)) == indices.shape(), op, ": gy must be the shape of indices and D, got ",
            gy.value(), " (indices: ", indices, ")");
  const int64_t width = gy.dim(-1);
  Tensor g({entries, width}, gy.dtype(), gy.value().device());
  embedding_adjoint_fwd(context_of(g), {gy.value().raw(), indices.raw<int64_t>(), g.raw(), indices.numel(), entries, width, g.dtype()});
  return record(op, {gy}, g, [indices](const Var& gg, const Wants&) -> Vars { return {embedding(gg, indices)}; });
}

}  // namespace kintsugi
