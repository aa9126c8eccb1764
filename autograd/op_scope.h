// The first line of an op: names it for errors about memory, and checks that its operands are on one device.
//   const OpScope scope("conv2d", {{"x", x}, {"w", w}, {"bias", bias}});
#pragma once
#include <initializer_list>

#include "autograd/var.h"
#include "kernels/base/device_runtime.h"

namespace kintsugi {

struct VarOperand {
  const char* name;
  const Var& var;  // an empty one is an argument that was not given
};

class OpScope {
 public:
  /// `op` must outlive the scope. Throws Error naming both arguments when two operands are on different devices.
  OpScope(const char* op, std::initializer_list<VarOperand> operands) : name_(op) {
    const VarOperand* first = nullptr;
    for (const VarOperand& o : operands) {
      if (!o.var) continue;
      if (!first) first = &o;
      KIN_CHECK(o.var.value().device() == first->var.value().device(), op, ": ", first->name, " and ", o.name, " must be on one device, got ",
                first->var.value(), " and ", o.var.value());
    }
  }

 private:
  OpName name_;
};

}  // namespace kintsugi
