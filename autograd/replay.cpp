#include "autograd/replay.h"

namespace kintsugi {
namespace {
thread_local Replay* active = nullptr;
}

Replay::Replay() {
  KIN_CHECK(!active, "replay: one is already active on this thread");
  active = this;
}
Replay::~Replay() { active = nullptr; }

void Replay::rewind() {
  KIN_CHECK(recording_ || position_ == taken_.size(), "replay: the run made ", position_, " decisions, ", taken_.size(), " were recorded");
  recording_ = false;
  position_ = 0;
}

bool replaying() { return active != nullptr; }

Tensor replayed(const Tensor& now) {
  if (!active) return now;
  if (active->recording_) {
    active->taken_.push_back(now.clone());
    return now;
  }
  KIN_CHECK(active->position_ < active->taken_.size(), "replay: the run makes more decisions than the ", active->taken_.size(), " recorded");
  const Tensor& then = active->taken_[active->position_++];
  KIN_CHECK(then.shape() == now.shape() && then.dtype() == now.dtype(), "replay: decision ", active->position_ - 1, " was ", then, ", is now ", now);
  return then;
}

}  // namespace kintsugi
