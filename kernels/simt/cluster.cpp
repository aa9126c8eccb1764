#include "kernels/simt/cluster.h"

#include <algorithm>

#include "kernels/base/error.h"

namespace kintsugi::simt {

void Cluster::run(const GridLaunch& launch, uint64_t first, Schedule order) {
  KIN_CHECK(!Block::running(), "simt: a kernel cannot launch another one");
  size_ = launch.cluster;
  while (blocks_.size() < size_) blocks_.push_back(std::make_unique<Block>());
  Fiber::begin_block();
  for (unsigned r = 0; r < size_; ++r) blocks_[r]->begin(launch, first + r, order, *this);
  Order turns(order, 2 * first + 4);
  turns.reset(size_);
  for (;;) {
    bool progress = false, ended = true;
    turns.draw();
    for (unsigned i = 0; i < size_; ++i) {
      Block& block = *blocks_[turns[i]];
      if (block.ended()) continue;
      progress |= block.turn();
      ended &= block.ended();
    }
    if (ended) return;
    if (progress || land_one()) continue;
    for (unsigned r = 0; r < size_; ++r)
      if (!blocks_[r]->ended()) blocks_[r]->report_stuck();
  }
}

// Of whichever block has some in flight.
bool Cluster::land_one() {
  return std::any_of(blocks_.begin(), blocks_.begin() + size_, [](const auto& block) { return !block->ended() && block->land_one(); });
}

unsigned Cluster::rank_of(const Block& block) const {
  return unsigned(std::find_if(blocks_.begin(), blocks_.end(), [&](const auto& b) { return b.get() == &block; }) - blocks_.begin());
}

bool Cluster::all_arrived(unsigned times) const {
  return std::all_of(blocks_.begin(), blocks_.begin() + size_, [times](const auto& block) { return block->all_arrived(times); });
}

namespace {
Cluster& here(const char* what) {
  KIN_CHECK(Block::running(), "simt: ", what, " outside a kernel");
  return Block::running()->cluster();
}
}  // namespace

unsigned cluster_rank() { return here("cluster_rank").rank_of(*Block::running()); }
void cluster_arrive(const Site& site) {
  here("cluster_arrive");
  Block::running()->cluster_arrive(site);
}
void cluster_wait(const Site& site) {
  here("cluster_wait");
  Block::running()->cluster_wait(site);
}
void in_cluster_block(unsigned rank, uint32_t address, const char* name, const Site& site, const std::function<void()>& work) {
  Cluster& cluster = here(name);
  if (rank >= cluster.size()) fault(site, text(name, ": the cluster has ", cluster.size(), " blocks, got rank ", rank));
  Block& block = cluster.block(rank);
  if (block.ended()) fault(site, text(name, ": block ", rank, " of the cluster has ended"));
  if (!block.shared().contains(block.shared().pointer(address))) fault(site, text(name, ": block ", rank, " of the cluster has not begun with it"));
  const Block::Running there(block);
  work();
}

}  // namespace kintsugi::simt
