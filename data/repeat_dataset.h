#pragma once
#include <utility>

#include "data/dataset.h"
#include "kernels/base/error.h"

namespace kintsugi {

/// Every sample of another dataset `times` times in an epoch, each time drawn anew: an epoch here is `times` epochs there, shuffled as
/// one (the reference's dataset_enlarge_ratio). Throws Error unless times >= 1.
class RepeatDataset : public Dataset {
 public:
  RepeatDataset(DatasetPtr base, int64_t times) : base_(std::move(base)), times_(times) {
    KIN_CHECK(times >= 1, "repeat dataset: times must be at least 1, got ", times);
  }
  int64_t size() const override { return base_->size() * times_; }
  Sample get(uint64_t epoch, int64_t index) const override {
    check_index("repeat dataset", index, size());
    return base_->get(epoch * uint64_t(times_) + uint64_t(index / base_->size()), index % base_->size());
  }

 private:
  DatasetPtr base_;
  int64_t times_;
};

}  // namespace kintsugi
