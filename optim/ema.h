// Exponential moving average of weights: ema = decay * ema + (1 - decay) * p for every parameter, from an initial copy. No
// buffers, no warm-up: what the published training code does.
#pragma once
#include <optional>
#include <unordered_map>

#include "kernels/step_numbers.h"
#include "optim/parameter_list.h"

namespace kintsugi {

class Ema {
 public:
  /// Copies the parameters' present values. Throws Error unless 0 <= decay <= 1.
  Ema(ParameterList parameters, double decay);

  void update();
  double decay() const { return decay_; }

  /// The averages under their parameters' names; the tensors are the averages themselves, for checkpoints.
  const NamedTensors& averages() const { return averages_; }
  /// Copies values in by name. Throws Error when one is missing or has another shape; extra names are ignored.
  void load(const NamedTensors& averages) { copy_by_name("ema", averages_, averages); }

  /// Exchanges the values of every parameter and its average; twice is as if never. See EmaWeights.
  void swap();

  /// For optimisers that move the average in their own pass: the place of a parameter's average in averages(); the update, queued, of all places
  /// but those marked (an empty list marks none), where the verdict (kernels/step_numbers.h; null: none) is finite; and that it has happened.
  std::optional<size_t> place_of(const Var& parameter) const;
  void queue_except(const std::vector<bool>& done, const StepVerdict* verdict) const;
  void moved() const;

 private:
  ParameterList parameters_;
  NamedTensors averages_;
  std::unordered_map<const VarState*, size_t> places_;
  double decay_;
};

/// While alive, the network runs on the averages (evaluation, saving "params_ema"); the parameters come back behind it. Take no
/// training step meanwhile.
class EmaWeights {
 public:
  explicit EmaWeights(Ema& ema) : ema_(ema) { ema_.swap(); }
  ~EmaWeights() { ema_.swap(); }
  EmaWeights(const EmaWeights&) = delete;
  EmaWeights& operator=(const EmaWeights&) = delete;

 private:
  Ema& ema_;
};

}  // namespace kintsugi
