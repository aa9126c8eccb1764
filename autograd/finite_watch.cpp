#include "autograd/finite_watch.h"

#include <cmath>

namespace kintsugi {
namespace {
thread_local FiniteWatch* active = nullptr;
const std::string kNoLayer;
thread_local const std::string* layer = &kNoLayer;
}  // namespace

bool all_finite(const Tensor& t) {
  if (t.dtype() == DType::bf16) return all_finite(t.host().to(DType::f32));
  if (!t || (t.dtype() != DType::f32 && t.dtype() != DType::f64)) return true;
  const Tensor here = t.host();
  return visit_float(t.dtype(), "all_finite", [&]<class T>() {
    for (T v : here.span<T>())
      if (!std::isfinite(v)) return false;
    return true;
  });
}

FiniteWatch::FiniteWatch() : outer_(active) { active = this; }
FiniteWatch::~FiniteWatch() { active = outer_; }

bool watching() { return active != nullptr; }

void watch(const char* what, const char* op, const std::string& where, const Tensor& t) {
  if (!active || active->found() || all_finite(t)) return;
  active->first_ = text(what, " of ", op, where.empty() ? "" : " in ", where, ", ", t);
}

WatchPause::WatchPause() : paused_(active) { active = nullptr; }
WatchPause::~WatchPause() { active = paused_; }

LayerScope::LayerScope(const std::string& name) : outer_(layer), range_(name.c_str()) { layer = &name; }
LayerScope::~LayerScope() { layer = outer_; }
const std::string& current_layer() { return *layer; }

}  // namespace kintsugi
