// A run without a graph that must find the bits of the same run with one: the first of recompute(), which backward repeats, and those of
// gradcheck() between which differences are taken.
#pragma once

namespace kintsugi {

/// Is this thread in such a run? Then no op may take a way that is open to inference alone.
bool rehearsing();

class Rehearsal {
 public:
  Rehearsal();
  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

 private:
  bool outer_;
};

}  // namespace kintsugi
