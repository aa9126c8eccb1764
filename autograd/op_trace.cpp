#include "autograd/op_trace.h"

#include "autograd/finite_watch.h"

namespace kintsugi {
namespace {

thread_local OpTrace* active = nullptr;

}  // namespace

OpTrace::OpTrace(std::function<double()> clock) : clock_(std::move(clock)), before_(clock_()), outer_(active) { active = this; }
OpTrace::~OpTrace() { active = outer_; }

OpTrace::Block* OpTrace::find(const Tensor& t) {
  const char* p = static_cast<const char*>(t.raw());
  auto after = at_.upper_bound(p);
  if (after == at_.begin()) return nullptr;
  Block& b = blocks_[std::prev(after)->second];
  return p < b.begin + b.bytes ? &b : nullptr;
}

void OpTrace::add(const char* op, const Vars& inputs, const Tensor& result) {
  const size_t step = steps_.size();
  const double now = clock_();
  steps_.push_back({op, current_layer(), now - before_});
  bool made = result.bytes() > 0;
  for (const Var& v : inputs) {
    if (!v || v.value().bytes() == 0) continue;
    if (Block* b = find(v.value())) b->last = step;
    made = made && !v.value().shares_memory_with(result);
  }
  if (made) {
    const char* begin = static_cast<const char*>(result.raw());
    // What lay there is gone. Blocks do not overlap, so it is whatever begins before the new one's end and ends after its begin.
    auto it = at_.lower_bound(begin + result.bytes());
    while (it != at_.begin() && blocks_[std::prev(it)->second].begin + blocks_[std::prev(it)->second].bytes > begin) it = at_.erase(std::prev(it));
    at_[begin] = blocks_.size();
    blocks_.push_back({begin, result.bytes(), step, step});
  }
  before_ = clock_();
}

std::vector<OpTrace::Step> OpTrace::steps() const {
  std::vector<Step> steps = steps_;
  for (const Block& b : blocks_)
    for (size_t i = b.first; i <= b.last; ++i) steps[i].alive += b.bytes;
  return steps;
}

bool tracing() { return active != nullptr; }
void trace(const char* op, const Vars& inputs, const Tensor& result) {
  if (active) active->add(op, inputs, result);
}

}  // namespace kintsugi
