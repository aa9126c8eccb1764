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
    s.mirrored = !s.mirrored;
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

Sample StrokeDataset::get(uint64_t epoch, int64_t index) const {
  Sample s = base_->get(epoch, index);
  Philox random(seed_, "strokes", (epoch << 32) ^ uint64_t(index));
  s.lq = paint_white(s.gt, stroke_mask(s.gt.h, s.gt.w, options_, random));
  return s;
}

CachedDataset::CachedDataset(DatasetPtr base, size_t most_bytes)
    : base_(std::move(base)), most_bytes_(most_bytes), kept_(size_t(base_->size())) {}

Sample CachedDataset::get(uint64_t epoch, int64_t index) const {
  check_index("cached dataset", index, size());
  std::shared_ptr<const Sample> known;
  {
    std::lock_guard lock(mutex_);
    known = kept_[size_t(index)];
  }
  if (known) return *known;
  Sample s = base_->get(epoch, index);  // outside the lock: two threads may both make it, and make the same
  const size_t bytes = (s.gt.pixels.size() + s.lq.pixels.size()) * sizeof(float);
  std::lock_guard lock(mutex_);
  if (!kept_[size_t(index)] && bytes_ + bytes <= most_bytes_) {
    kept_[size_t(index)] = std::make_shared<const Sample>(s);
    bytes_ += bytes;
  }
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
