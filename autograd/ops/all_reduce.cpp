#include "autograd/ops/all_reduce.h"

#include "autograd/node.h"
#include "tensor/communicator.h"

namespace kintsugi {

Var all_reduce(const Var& x, const std::shared_ptr<Communicator>& across) {
  const Tensor sum = x.value().clone();
  across->all_reduce(sum);
  return record("all_reduce", {x}, sum, [across](const Var& gy, const Wants&) { return Vars{all_reduce(gy, across)}; });
}

}  // namespace kintsugi
