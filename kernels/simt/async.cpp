#include "kernels/base/error.h"
#include "kernels/simt/block.h"

namespace kintsugi::simt {
namespace {

// What lands now is the copy engine's doing, whoever's turn it is.
void land_as_hardware(const std::function<void()>& land) {
  Block& block = *Block::running();
  block.set_hardware(true);
  land();
  block.set_hardware(false);
}

}  // namespace

void AsyncWork::begin_block(size_t threads, Schedule schedule, uint64_t seed) {
  schedule_ = schedule;
  random_ = Order(Schedule::shuffled, seed);
  free_.clear();
  if (used_ || queues_.size() < threads) queues_.assign(threads, {});
  used_ = false;
}

void AsyncWork::issue(unsigned thread, AsyncQueue kind, std::function<void()> land) {
  Queue& queue = this->queue(thread, kind);
  const bool in_order = kind == AsyncQueue::products;
  if (schedule_ == Schedule::reverse || (schedule_ == Schedule::shuffled && !(in_order && !queue.pieces.empty()) && random_.below(2) == 0)) land();
  else queue.pieces.push_back({std::move(land), queue.group});
  queue.open = true;
}

void AsyncWork::commit(unsigned thread, AsyncQueue kind) {
  Queue& queue = queues_[thread][size_t(kind)];
  ++queue.group;
  queue.open = false;
}

bool AsyncWork::committed(unsigned thread, AsyncQueue kind) const {
  return !queues_[thread][size_t(kind)].open;
}

void AsyncWork::land_piece(Queue& queue, size_t index) {
  const auto land = std::move(queue.pieces[index].land);
  queue.pieces.erase(queue.pieces.begin() + std::ptrdiff_t(index));
  land();
}

// Products are chained through their sums; copies may overtake each other.
size_t AsyncWork::choose(AsyncQueue kind, size_t count) {
  if (kind == AsyncQueue::products) return 0;
  return schedule_ == Schedule::shuffled ? random_.below(count) : count - 1;
}

void AsyncWork::wait(unsigned thread, AsyncQueue kind, unsigned newest) {
  Queue& queue = queues_[thread][size_t(kind)];
  for (;;) {
    size_t due = 0;  // pieces are ordered by group, so those that must land come first
    while (due < queue.pieces.size() && queue.pieces[due].group + newest < queue.group) ++due;
    if (!due) break;
    land_piece(queue, choose(kind, due));
  }
  if (newest == 0) queue.fenced = false;
}

void AsyncWork::issue_free(std::function<void()> land, const char* name, const Site& site) {
  if (schedule_ == Schedule::reverse) land_as_hardware(land);
  else free_.push_back({std::move(land), name, site});
}

bool AsyncWork::land_one() {
  if (free_.empty()) return false;
  const size_t i = schedule_ == Schedule::shuffled ? random_.below(free_.size()) : free_.size() - 1;
  const auto land = std::move(free_[i].land);
  free_.erase(free_.begin() + std::ptrdiff_t(i));
  land_as_hardware(land);
  return true;
}

bool AsyncWork::drift() { return schedule_ == Schedule::shuffled && !free_.empty() && random_.below(4) == 0 && land_one(); }

void AsyncWork::end_thread(unsigned thread) {
  if (!used_) return;
  for (AsyncQueue kind : {AsyncQueue::copies, AsyncQueue::stores, AsyncQueue::products}) {
    Queue& queue = queues_[thread][size_t(kind)];
    KIN_CHECK(kind == AsyncQueue::copies || queue.pieces.empty(), "simt: thread ", thread, " ended before it waited for its ",
              kind == AsyncQueue::stores ? "bulk stores" : "products (wgmma)");
    while (!queue.pieces.empty()) land_piece(queue, choose(kind, queue.pieces.size()));
  }
}

void AsyncWork::end_block() const {
  if (!free_.empty()) fault(free_.front().site, text("the block ended with ", free_.size(), ' ', free_.front().name, " in flight"));
}

}  // namespace kintsugi::simt
