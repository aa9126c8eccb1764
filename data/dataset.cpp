#include "data/dataset.h"

#include "data/resize.h"
#include "kernels/base/error.h"

namespace kintsugi {

void check_index(const char* who, int64_t index, int64_t size) {
  KIN_CHECK(index >= 0 && index < size, who, ": index must be in [0,", size, "), got ", index);
}

Sample FlipDataset::get(uint64_t epoch, int64_t index) const {
  Sample s = base_->get(epoch, index);
  if (Philox(seed_, "flip", (epoch << 32) ^ uint64_t(index)).uniform() < 0.5f) {
    s.gt = flip_horizontal(s.gt);
    if (!s.lq.empty()) s.lq = flip_horizontal(s.lq);
  }
  return s;
}

Sample DegradeDataset::get(uint64_t epoch, int64_t index) const {
  Sample s = base_->get(epoch, index);
  s.lq = degrade(s.gt, options_, seed_, epoch, uint64_t(index));
  return s;
}

FixedDataset::FixedDataset(DatasetPtr base, int64_t first, int64_t count)
    : base_(std::move(base)), first_(first), count_(count) {
  KIN_CHECK(first >= 0 && count > 0 && first + count <= base_->size(), "fixed dataset: samples [", first, ",", first + count,
            ") must be some of the ", base_->size(), " there are");
}

Sample FixedDataset::get(uint64_t, int64_t index) const {
  check_index("fixed dataset", index, count_);
  return base_->get(0, first_ + index);
}

}  // namespace kintsugi
