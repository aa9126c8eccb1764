#include "autograd/engine.h"

#include <queue>
#include <unordered_map>

#include "autograd/accumulate.h"
#include "autograd/finite_watch.h"
#include "autograd/graph.h"
#include "autograd/rehearsal.h"
#include "autograd/replay.h"
#include "kernels/base/profile_range.h"

namespace kintsugi {
namespace {

// One pass. `wanted` maps the key of each Var asked for to its slot; with collect_leaves every leaf is wanted as well.
class Pass {
 public:
  Pass(const Vars& wrt, bool collect_leaves, GradOptions options) : options_(options), collect_leaves_(collect_leaves), out_(wrt.size()) {
    for (size_t i = 0; i < wrt.size(); ++i) {
      const Edge e = edge_of(wrt[i]);
      if (e.key()) slots_[e.key()].push_back(i);
    }
  }

  Vars run(const Vars& ys, const Vars& seeds) {
    const ProfileRange range("backward");
    std::vector<Edge> roots;
    for (const Var& y : ys) roots.push_back(edge_of(y));
    for (const Edge& r : roots) explore(r);
    GradMode mode(options_.create_graph);
    for (size_t i = 0; i < roots.size(); ++i) {
      if (roots[i].leaf) ++arrivals_[roots[i].leaf.get()];
      send(roots[i], seed_for(ys[i], i < seeds.size() ? seeds[i] : Var()));
    }
    while (!queue_.empty()) {
      const auto node = queue_.top();
      queue_.pop();
      Var g = std::move(pending_[node.get()]);
      pending_.erase(node.get());
      step(*node, with_hooks(node->hooks, std::move(g)));
    }
    // A backward that returned no gradient for an input leaves later arrivals out: what did come is the whole sum.
    for (const auto& leaf : leaves_)
      if (leaf_sums_.count(leaf.get())) finish(leaf);
    return std::move(out_);
  }

 private:
  struct Older {
    bool operator()(const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) const { return a->id < b->id; }
  };

  static Var seed_for(const Var& y, const Var& seed) {
    if (!seed) {
      KIN_CHECK(y.numel() == 1, "backward: a result with ", y.numel(), " elements ", y.shape(), " needs a seed of its shape");
      return Tensor::full(y.shape(), 1.0, y.dtype(), y.value().device());
    }
    KIN_CHECK(seed.shape() == y.shape(), "backward: seed must be ", y.shape(), ", got ", seed.shape());
    KIN_CHECK(seed.value().device() == y.value().device(), "backward: seed must be on the device of the result ", y.value(), ", got ", seed.value());
    return seed;
  }

  bool is_target(const Edge& e) const {
    return slots_.count(e.key()) > 0 || (e.leaf && collect_leaves_);
  }

  // Depth first without recursion: leads_[node] = does it lead to anything wanted?
  void explore(const Edge& root) {
    if (!root.node) return;
    struct Frame {
      Node* node;
      size_t next = 0;
    };
    std::vector<Frame> stack;
    auto enter = [&](Node* n) {
      if (n->id < options_.since || leads_.count(n)) return;
      KIN_CHECK(!n->released, n->op, ": this part of the graph was released by an earlier backward; pass keep_graph to walk it twice");
      leads_[n] = false;
      stack.push_back({n});
    };
    enter(root.node.get());
    while (!stack.empty()) {
      Node* n = stack.back().node;
      if (stack.back().next < n->inputs.size()) {
        const Edge& e = n->inputs[stack.back().next++];
        if (e.node && !leads_.count(e.node.get())) enter(e.node.get());
        continue;
      }
      for (const Edge& e : n->inputs) {
        if (!e.key() || !useful(e)) continue;
        leads_[n] = true;
        if (e.leaf && ++arrivals_[e.leaf.get()] == 1) leaves_.push_back(e.leaf);
      }
      stack.pop_back();
    }
  }

  bool useful(const Edge& e) const {
    if (is_target(e)) return true;
    if (!e.node) return false;
    const auto it = leads_.find(e.node.get());
    return it != leads_.end() && it->second;
  }

  void step(Node& n, const Var& g) {
    uint64_t mask = 0;
    for (size_t i = 0; i < n.inputs.size(); ++i)
      if (n.inputs[i].key() && useful(n.inputs[i])) mask |= uint64_t(1) << i;
    const Vars grads = [&] {
      WatchPause pause;
      const OpName name(n.op);
      const ProfileRange range(n.op);
      return n.backward(g, Wants(mask));
    }();
    KIN_CHECK(grads.size() == n.inputs.size(), n.op, ": backward must return ", n.inputs.size(), " gradients, got ", grads.size());
    for (size_t i = 0; i < grads.size(); ++i) {
      if (!((mask >> i) & 1)) continue;
      if (watching() && grads[i]) watch("gradient", n.op, n.layer, grads[i].value());
      if (grads[i]) send(n.inputs[i], grads[i]);
      else if (n.inputs[i].leaf) arrived(n.inputs[i].leaf);
    }
    if (!options_.create_graph && !options_.keep_graph) {
      n.backward = nullptr;
      n.released = true;
    }
  }

  // A gradient for e has come. Results: kept until the heap says that all their users are done. Leaves: kept until
  // the last of the arrivals counted by explore().
  void send(const Edge& e, const Var& g) {
    if (!e.key()) return;
    if (e.node) {
      KIN_CHECK(g.shape() == e.node->shape, e.node->op, ": a gradient of shape ", g.shape(), " came for an output ", e.node->shape);
      if (const auto it = slots_.find(e.key()); it != slots_.end())
        for (size_t i : it->second) out_[i] = out_[i] ? accumulate(out_[i], g) : g;
      const auto it = leads_.find(e.node.get());
      if (it == leads_.end() || !it->second) return;
      auto [slot, fresh] = pending_.try_emplace(e.node.get(), g);
      if (fresh) queue_.push(e.node);
      else slot->second = accumulate(slot->second, g);
      return;
    }
    if (!is_target(e)) return;
    KIN_CHECK(g.shape() == e.leaf->value.shape(), "backward: a gradient of shape ", g.shape(), " came for a leaf ", e.leaf->value.shape());
    Var& sum = leaf_sums_[e.leaf.get()];
    sum = sum ? accumulate(sum, g) : g;
    arrived(e.leaf);
  }

  void arrived(const std::shared_ptr<VarState>& leaf) {
    if (--arrivals_[leaf.get()] == 0 && leaf_sums_.count(leaf.get())) finish(leaf);
  }

  void finish(const std::shared_ptr<VarState>& leaf) {
    Var g = std::move(leaf_sums_[leaf.get()]);
    leaf_sums_.erase(leaf.get());
    if (collect_leaves_) g = with_hooks(leaf->hooks, std::move(g));
    if (const auto it = slots_.find(leaf.get()); it != slots_.end())
      for (size_t i : it->second) out_[i] = g;
    if (collect_leaves_) leaf->grad = leaf->grad ? accumulate(Var(leaf->grad), g.detach()).value() : g.value();
  }

  static Var with_hooks(const Hooks& hooks, Var g) {
    for (const auto& hook : hooks)
      if (Tensor t = hook(g.value())) g = Var(t);
    return g;
  }

  GradOptions options_;
  bool collect_leaves_;
  Vars out_;
  std::unordered_map<const void*, std::vector<size_t>> slots_;
  std::unordered_map<Node*, bool> leads_;
  std::vector<std::shared_ptr<VarState>> leaves_;  // in the order they were found
  std::unordered_map<VarState*, int> arrivals_;
  std::unordered_map<VarState*, Var> leaf_sums_;
  std::unordered_map<Node*, Var> pending_;
  std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, Older> queue_;
};

}  // namespace

Vars grad(const Vars& ys, const Vars& wrt, const Vars& seeds, GradOptions options) { return Pass(wrt, false, options).run(ys, seeds); }

Vars grad(const Var& y, const Vars& wrt, const Var& seed, GradOptions options) { return grad(Vars{y}, wrt, Vars{seed}, options); }

void backward(const Var& y, const Var& seed, GradOptions options) {
  KIN_CHECK(y.needs_grad(), "backward: the result depends on no leaf that needs a gradient");
  KIN_CHECK(!options.create_graph, "backward: gradients collected on leaves are plain tensors; use grad() with create_graph");
  Pass({}, true, options).run({y}, {seed});
}

Vars regrad(const std::function<Var(const Vars&)>& f, const Vars& inputs, const Var& gy) {
  const bool again = grad_mode();
  const uint64_t mark = next_node_id();
  Var y;
  {
    GradMode on(true);
    y = f(inputs);
  }
  return grad(y, inputs, gy, {.create_graph = again, .since = mark});
}

Var recompute(const std::function<Var(const Vars&)>& f, const Vars& inputs, const Vars& parameters) {
  KIN_CHECK(!replaying(), "recompute: cannot be used under a Replay, which counts on each stop-gradient running once");
  Tensor out;
  {
    NoGrad off;
    const Rehearsal first;
    out = f(inputs).value();
  }
  Vars all = inputs;
  all.insert(all.end(), parameters.begin(), parameters.end());
  const size_t n = inputs.size();
  return record("recompute", all, out, [f, all, n](const Var& gy, const Wants&) {
    return regrad([&](const Vars& v) { return f(Vars(v.begin(), v.begin() + n)); }, all, gy);
  });
}

}  // namespace kintsugi
