// Stop-gradients, code assignments and kinks, held still while differences are taken.
//
// A network with a straight-through quantiser is not the gradient of its own value: sg[x] counts as a constant, and the code index
// does not move. Finite differences see both move. So the base run is recorded, and every perturbed run replays what
// was decided there: detach() returns the recorded value, an argmin its recorded index, a ReLU its recorded side.
#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi {

/// Records the decisions made by this thread while it lives, and replays them as often as wanted.
class Replay {
 public:
  Replay();   // starts recording; at most one per thread
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;
  /// Back to the first decision, from now on replaying. The runs must make the same decisions in the same order.
  void rewind();

 private:
  friend Tensor replayed(const Tensor&);
  std::vector<Tensor> taken_;
  size_t position_ = 0;
  bool recording_ = true;
};

/// Is a Replay alive on this thread? Ops with a kink then compute through their decision: relu(x) = x * replayed(x > 0).
bool replaying();

/// The decision `now`, or under a rewound Replay the recorded one. Throws Error when shape or dtype differ from the recorded.
Tensor replayed(const Tensor& now);

}  // namespace kintsugi
