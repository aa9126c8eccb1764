// What the operations of this thread may give up for speed (kernels/base/precision.h).
#pragma once
#include "kernels/base/precision.h"

namespace kintsugi {

/// Of the innermost guard of this thread; exact outside every guard, and wherever an ExactOnly lives.
Precision precision();

/// Operations of this thread may choose rows of this precision while the guard lives.
class PrecisionGuard {
 public:
  explicit PrecisionGuard(Precision p);
  ~PrecisionGuard();
  PrecisionGuard(const PrecisionGuard&) = delete;
  PrecisionGuard& operator=(const PrecisionGuard&) = delete;

 private:
  Precision old_;
};

/// While one of these lives anywhere in the program, every operation is exact, whatever guards say.
class ExactOnly {
 public:
  ExactOnly();
  ~ExactOnly();
  ExactOnly(const ExactOnly&) = delete;
  ExactOnly& operator=(const ExactOnly&) = delete;
};

}  // namespace kintsugi
