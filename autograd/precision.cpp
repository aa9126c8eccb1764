#include "autograd/precision.h"

#include <atomic>

namespace kintsugi {
namespace {

thread_local Precision wanted = Precision::exact;
std::atomic<int> exact_only{0};

}  // namespace

Precision precision() { return exact_only.load(std::memory_order_relaxed) > 0 ? Precision::exact : wanted; }

PrecisionGuard::PrecisionGuard(Precision p) : old_(wanted) { wanted = p; }
PrecisionGuard::~PrecisionGuard() { wanted = old_; }

ExactOnly::ExactOnly() { ++exact_only; }
ExactOnly::~ExactOnly() { --exact_only; }

}  // namespace kintsugi
