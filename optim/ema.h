// Exponential moving average of weights: ema = decay * ema + (1 - decay) * p for every parameter, from an initial copy. No
// buffers, no warm-up: what the published training code does.
#pragma once
#include <optional>
#include <unordered_map>

#include "optim/parameter_list.h"

namespace kintsugi {

class Ema {
 public:
  /// Copies the parameters' present values. Throws Error unless 0 <= decay <= 1.
  Ema(ParameterList parameters, double decay);

  void update() { update_except({}); }
  double decay() const { return decay_; }

  /// The averages under their parameters' names; the tensors are the averages themselves, for checkpoints.
  const std::vector<NamedTensor>& averages() const { return averages_; }
  /// Copies values in by name. Throws Error when one is missing or has another shape; extra names are ignored.
  void load(std::span<const NamedTensor> averages) { copy_by_name("ema", averages_, averages); }

  /// For optimisers that move the average in their own pass: the place of a parameter's average in averages(), and the
  /// update of all places but those marked (an empty list marks none).
  std::optional<size_t> place_of(const Var& parameter) const;
  void update_except(const std::vector<bool>& done);

 private:
  ParameterList parameters_;
  std::vector<NamedTensor> averages_;
  std::unordered_map<const VarState*, size_t> places_;
  double decay_;
};

}  // namespace kintsugi
