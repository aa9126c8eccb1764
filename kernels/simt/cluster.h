// Blocks of the emulated GPU that run at the same time and may reach each other's shared memory. Without clusters a launch has one block in each.
// Internal to kernels/simt.
#pragma once
#include <memory>
#include <vector>

#include "kernels/simt/block.h"

namespace kintsugi::simt {

class Cluster {
 public:
  /// Runs blocks `first` ... first + launch.cluster - 1 of the grid to their ends, turn by turn. Throws what the kernel or the emulator threw; the
  /// cluster can be used again.
  void run(const GridLaunch& launch, uint64_t first, Schedule order);

  unsigned size() const { return size_; }
  Block& block(unsigned rank) { return *blocks_[rank]; }
  unsigned rank_of(const Block& block) const;
  /// Has every thread that has not exited arrived `times` times at the cluster's barrier?
  bool all_arrived(unsigned times) const;

 private:
  bool land_one();

  std::vector<std::unique_ptr<Block>> blocks_;  // stacks and shared memory are kept for the next launch
  unsigned size_ = 0;
};

}  // namespace kintsugi::simt
