// Finding where the first NaN or infinity came from. Costs one pass over every result, so a training loop runs it only to
// repeat a step whose loss or gradient was not finite.
#pragma once
#include <string>

#include "kernels/base/profile_range.h"
#include "tensor/tensor.h"

namespace kintsugi {

/// Are all elements finite? True for integers.
bool all_finite(const Tensor& t);

/// While it lives on this thread, every op's result and every gradient is checked; the first that is not finite is kept.
class FiniteWatch {
 public:
  FiniteWatch();
  ~FiniteWatch();
  FiniteWatch(const FiniteWatch&) = delete;
  FiniteWatch& operator=(const FiniteWatch&) = delete;

  bool found() const { return !first_.empty(); }
  /// "result of conv2d in generator.blocks.3.conv1, [2,16,16,64] f32 cpu"; empty when all was finite.
  const std::string& first() const { return first_; }

 private:
  friend void watch(const char*, const char*, const std::string&, const Tensor&);
  std::string first_;
  FiniteWatch* outer_;
};

/// Called by record() and the engine.
bool watching();
void watch(const char* what, const char* op, const std::string& layer, const Tensor& t);

/// No watching while it lives: the engine checks a backward's gradients itself, under the name of the forward op.
class WatchPause {
 public:
  WatchPause();
  ~WatchPause();
  WatchPause(const WatchPause&) = delete;
  WatchPause& operator=(const WatchPause&) = delete;

 private:
  FiniteWatch* paused_;
};

/// Layers name themselves while they run, here and to a profiler: LayerScope here(path_). Nested scopes: the innermost counts.
class LayerScope {
 public:
  explicit LayerScope(const std::string& name);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;

 private:
  const std::string* outer_;
  ProfileRange range_;
};
/// The innermost LayerScope's name, or "".
const std::string& current_layer();

}  // namespace kintsugi
