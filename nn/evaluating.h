#pragma once
#include "nn/scope.h"

namespace kintsugi {

/// Eval mode while it lives; afterwards the store's mode is what it was.
class Evaluating {
 public:
  explicit Evaluating(ParameterStore& store) : store_(store), was_(store.training()) { store.eval(); }
  ~Evaluating() { store_.train(was_); }
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  ParameterStore& store_;
  bool was_;
};

}  // namespace kintsugi
