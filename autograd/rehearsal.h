// The first run of recompute(), without a graph: backward will run the same again with one and must find the same bits.
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
