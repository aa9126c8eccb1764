// Insides of the graph, for the engine and record() only.
#pragma once
#include <atomic>

#include "autograd/node.h"

namespace kintsugi {

/// Where a gradient goes: to the node that made the input, or to a leaf. Both empty: nowhere.
struct Edge {
  std::shared_ptr<Node> node;
  std::shared_ptr<VarState> leaf;
  const void* key() const { return node ? static_cast<const void*>(node.get()) : leaf.get(); }
};

using Hooks = std::vector<std::function<Tensor(const Tensor&)>>;

struct Node {
  const char* op;
  uint64_t id;  // ids grow, so descending id is a topological order
  std::vector<Edge> inputs;
  Backward backward;
  Shape shape;
  DType dtype;
  Hooks hooks;
  std::string layer;  // filled under a FiniteWatch only
  bool released = false;
  ~Node();
};

struct VarState {
  Tensor value;
  bool needs = false;          // leaf
  std::shared_ptr<Node> node;  // result
  Tensor grad;
  Hooks hooks;
  Tensor copy;                 // leaf: the value in another type, while copy_version is that of the value (ops/cast.h)
  uint32_t copy_version = 0;
  Tensor moments;              // autograd/ops/group_moments.h
  uint32_t moments_of_version = 0;
  ~VarState();
};

uint64_t next_node_id();     // takes the next id
Edge edge_of(const Var& v);  // empty when v needs no gradient

}  // namespace kintsugi
