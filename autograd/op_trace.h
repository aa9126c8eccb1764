// What a run of operations read and wrote, in order: where its time went, and how much memory its results need at least.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "autograd/var.h"

namespace kintsugi {

/// While it lives on this thread, every op that ends in record() is written down. Traces do not nest: the inner one listens alone.
class OpTrace {
 public:
  struct Step {
    const char* op;
    std::string layer;     // innermost LayerScope
    double seconds = 0;    // since the step before
    size_t alive = 0;      // bytes of results that this step reads or writes, or that a later one reads
  };

  /// `clock` tells seconds.
  explicit OpTrace(std::function<double()> clock);
  ~OpTrace();
  OpTrace(const OpTrace&) = delete;
  OpTrace& operator=(const OpTrace&) = delete;

  /// What was seen so far. The largest `alive` is what liveness dictates for these steps in this order: a block of memory counts from the
  /// step that first writes it to the last one that reads it. Inputs and parameters, which no step made, do not count, nor does what
  /// ops need inside.
  std::vector<Step> steps() const;

 private:
  friend void trace(const char*, const Vars&, const Tensor&);
  struct Block {
    const char* begin;
    size_t bytes, first, last;  // steps
  };
  void add(const char* op, const Vars& inputs, const Tensor& result);
  Block* find(const Tensor& t);

  std::function<double()> clock_;
  double before_;
  std::vector<Step> steps_;
  std::vector<Block> blocks_;
  std::map<const char*, size_t> at_;  // blocks_ that hold these addresses now
  OpTrace* outer_;
};

/// Called by record().
bool tracing();
void trace(const char* op, const Vars& inputs, const Tensor& result);

}  // namespace kintsugi
