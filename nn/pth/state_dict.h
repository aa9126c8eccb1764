// Which tensors of a pickled object are the network's, and what they are called.
#pragma once
#include <string>
#include <vector>

#include "nn/pth/pickle.h"

namespace kintsugi {

/// Something in a checkpoint that is no tensor of the network.
struct NonTensor {
  std::string name;  // dotted path
  std::string what;  // "1234", "'text'", "dict of 3", "argparse.Namespace (not read)"
};

struct NamedView {
  std::string name;
  uint32_t tensor;  // index into Pickle::tensors
};

struct StateDict {
  std::string chosen;              // the entry that holds the tensors; "" when they stand at the top
  std::vector<NamedView> tensors;  // in the file's order
  std::vector<NonTensor> others;   // at most kMostOthers
  size_t more_others = 0;          // how many more there are

  static constexpr size_t kMostOthers = 200;
};

/// Finds the tensors under the first of params_ema, params, params_d and state_dict; else at the top; else under the only entry
/// that holds any. What is nested deeper gets a dotted name with the numbers of lists ("optimizers.0.state.0.exp_avg"). A leading
/// "module." of names is dropped. Throws Error for: no tensor at all; two tensors of one name; a name that is not printable
/// UTF-8; nesting deeper than 64 or without end.
StateDict find_state_dict(const Pickle& pickle, const std::string& path);

}  // namespace kintsugi
