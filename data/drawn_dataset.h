// Faces drawn from numbers (data/faces/drawn_face.h) as a dataset: nothing to download, and no real person in it.
#pragma once
#include "data/dataset.h"

namespace kintsugi {

/// People first_identity ... first_identity + count - 1 of the world `seed`. Each is drawn in `variations` ways (pose,
/// expression, light); epoch e shows way e mod variations. Ranges of identities that do not overlap share no person.
class DrawnDataset : public Dataset {
 public:
  /// Throws Error unless count and variations are positive and the identities fit 32 bits. size as in draw_face.
  DrawnDataset(uint64_t seed, uint32_t first_identity, int64_t count, int size, uint32_t variations = 1);
  int64_t size() const override { return count_; }
  Sample get(uint64_t epoch, int64_t index) const override;

 private:
  uint64_t seed_;
  uint32_t first_;
  int64_t count_;
  int size_;
  uint32_t variations_;
};

}  // namespace kintsugi
