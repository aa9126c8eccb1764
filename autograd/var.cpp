#include "autograd/var.h"

#include "autograd/finite_watch.h"
#include "autograd/graph.h"
#include "autograd/op_trace.h"
#include "autograd/rehearsal.h"
#include "autograd/replay.h"

namespace kintsugi {
namespace {

thread_local bool grad_on = true;
thread_local bool rehearsal = false;

const Tensor kNoTensor;

// Freeing a long chain must not recurse: whoever dies puts its parents into a bin, and the outermost one empties it.
thread_local std::vector<std::shared_ptr<Node>> dying;
thread_local bool draining = false;

void drain() {
  if (draining) return;
  draining = true;
  while (!dying.empty()) {
    auto last = std::move(dying.back());
    dying.pop_back();
    last.reset();
  }
  draining = false;
}

}  // namespace

Node::~Node() {
  for (auto& e : inputs)
    if (e.node) dying.push_back(std::move(e.node));
  backward = nullptr;  // its captures hold states whose nodes are in the bin now
  drain();
}

VarState::~VarState() {
  if (!node) return;
  dying.push_back(std::move(node));
  drain();
}

uint64_t next_node_id() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

Edge edge_of(const Var& v) {
  if (!v || !v.needs_grad()) return {};
  const auto& s = v.state();
  return s->node ? Edge{s->node, nullptr} : Edge{nullptr, s};
}

Var::Var(Tensor value, bool needs_grad) : state_(std::make_shared<VarState>()) {
  state_->value = std::move(value);
  state_->needs = needs_grad;
}

const Tensor& Var::value() const {
  KIN_CHECK(state_, "var: an empty Var has no value");
  return state_->value;
}
bool Var::needs_grad() const { return state_ && (state_->needs || state_->node); }
bool Var::is_leaf() const { return state_ && !state_->node; }
void Var::set_needs_grad(bool needs) {
  KIN_CHECK(is_leaf(), "set_needs_grad: only leaves can be frozen or unfrozen");
  state_->needs = needs;
}
const Tensor& Var::grad() const { return state_ ? state_->grad : kNoTensor; }
void Var::zero_grad() const {
  if (state_) state_->grad = {};
}
void Var::set_value(Tensor value) const {
  KIN_CHECK(is_leaf() && value.shape() == shape() && value.dtype() == dtype(), "set_value: needs a leaf and a value like its own, got ", value);
  state_->value = std::move(value);
  state_->copy = {};
  state_->moments = {};
}
void Var::set_grad(Tensor grad) const {
  KIN_CHECK(is_leaf() && grad.shape() == shape(), "set_grad: needs a leaf and a gradient of its shape, got ", grad.shape());
  state_->grad = std::move(grad);
}
Var Var::detach() const { return Var(replayed(value())); }

void Var::on_grad(std::function<Tensor(const Tensor&)> hook) const {
  KIN_CHECK(needs_grad(), "on_grad: this Var needs no gradient");
  (state_->node ? state_->node->hooks : state_->hooks).push_back(std::move(hook));
}

bool grad_mode() { return grad_on; }
GradMode::GradMode(bool on) : old_(grad_on) { grad_on = on; }
GradMode::~GradMode() { grad_on = old_; }

bool rehearsing() { return rehearsal; }
Rehearsal::Rehearsal() : outer_(rehearsal) { rehearsal = true; }
Rehearsal::~Rehearsal() { rehearsal = outer_; }

Var record(const char* op, const Vars& inputs, Tensor out, Backward backward) {
  KIN_CHECK(inputs.size() <= 64, op, ": at most 64 inputs can be recorded, got ", inputs.size());
  Var result(std::move(out));
  if (watching()) watch("result", op, current_layer(), result.value());
  if (tracing()) trace(op, inputs, result.value());
  if (!grad_on) return result;
  bool any = false;
  for (const Var& v : inputs) any |= v.needs_grad();
  if (!any) return result;
  auto node = std::make_shared<Node>();
  node->op = op;
  node->id = next_node_id();
  for (const Var& v : inputs) node->inputs.push_back(edge_of(v));
  node->backward = std::move(backward);
  node->shape = result.shape();
  node->dtype = result.dtype();
  if (watching()) node->layer = current_layer();
  result.state()->node = std::move(node);
  return result;
}

const Var& Saved::var() const {
  if (var_ && var_.value().version() != version_)
    fail(op_, ": a tensor saved for backward was changed in place (", var_.value(), ", version ", version_, " when saved, ",
         var_.value().version(), " now)");
  return var_;
}

void no_double_backward(const char* op) {
  KIN_CHECK(!grad_on, op, ": has no second derivative; it was asked for by a gradient taken with create_graph");
}

}  // namespace kintsugi
