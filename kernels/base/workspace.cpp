#include "kernels/base/workspace.h"

#include <memory>
#include <new>
#include <vector>

namespace kintsugi {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr size_t kKeep = size_t(32) << 20;  // bytes; a larger block goes back to the system when its scope ends

struct Free {
  void operator()(float* p) const { ::operator delete(p, kAlignment); }
};
struct Block {
  std::unique_ptr<float, Free> memory;
  size_t count = 0;
};

// One block per nesting depth: a kernel that calls another one finds the outer blocks taken.
struct Blocks {
  std::vector<Block> list;
  size_t depth = 0;
};
thread_local Blocks blocks;

}  // namespace

Workspace::Workspace(size_t count) {
  if (count == 0) count = 1;
  if (blocks.depth == blocks.list.size()) blocks.list.emplace_back();
  Block& b = blocks.list[blocks.depth];
  if (b.count < count) {
    b.memory.reset();
    b.count = 0;
    b.memory.reset(static_cast<float*>(::operator new(count * sizeof(float), kAlignment)));
    b.count = count;
  }
  data_ = b.memory.get();
  ++blocks.depth;
}

Workspace::~Workspace() {
  Block& b = blocks.list[--blocks.depth];
  if (b.count * sizeof(float) > kKeep) b = {};
}

}  // namespace kintsugi
