// Datasets: numbered samples that are functions of (epoch, index), so that any number of loader threads gives the same run.
// Sources (data/folder_dataset.h, data/drawn_dataset.h) give clean pictures; the wrappers below change them.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/degrade.h"
#include "data/image.h"
#include "data/strokes.h"

namespace kintsugi {

struct Sample {
  Image gt;          // ground truth, RGB in [0, 1]
  Image lq;          // degraded, same size; empty = the same as gt
  std::string name;  // for messages and reports
  bool mirrored = false;
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  /// Sample `index` in [0, size()) as it looks in `epoch`. Safe to call from several threads. Throws Error naming the file
  /// when it cannot be read.
  virtual Sample get(uint64_t epoch, int64_t index) const = 0;
};
using DatasetPtr = std::shared_ptr<const Dataset>;

/// Mirrors each sample with probability 1/2, drawn anew every epoch.
class FlipDataset : public Dataset {
 public:
  FlipDataset(DatasetPtr base, uint64_t seed) : base_(std::move(base)), seed_(seed) {}
  int64_t size() const override { return base_->size(); }
  Sample get(uint64_t epoch, int64_t index) const override;

 private:
  DatasetPtr base_;
  uint64_t seed_;
};

/// Replaces lq by a degraded gt, drawn anew every epoch. Put it outside a FlipDataset.
class DegradeDataset : public Dataset {
 public:
  DegradeDataset(DatasetPtr base, DegradeOptions options, uint64_t seed)
      : base_(std::move(base)), options_(options), seed_(seed) {}
  int64_t size() const override { return base_->size(); }
  Sample get(uint64_t epoch, int64_t index) const override;

 private:
  DatasetPtr base_;
  DegradeOptions options_;
  uint64_t seed_;
};

/// lq = gt with white strokes over it, drawn anew every epoch.
class StrokeDataset : public Dataset {
 public:
  StrokeDataset(DatasetPtr base, StrokeOptions options, uint64_t seed) : base_(std::move(base)), options_(options), seed_(seed) {}
  int64_t size() const override { return base_->size(); }
  Sample get(uint64_t epoch, int64_t index) const override;

 private:
  DatasetPtr base_;
  StrokeOptions options_;
  uint64_t seed_;
};

/// Keeps the samples of a slow source in memory, up to `most_bytes` of them. Only for sources whose samples are the same in
/// every epoch: what was first seen is what is given from then on.
class CachedDataset : public Dataset {
 public:
  explicit CachedDataset(DatasetPtr base, size_t most_bytes = size_t(1) << 30);
  int64_t size() const override { return base_->size(); }
  Sample get(uint64_t epoch, int64_t index) const override;

 private:
  DatasetPtr base_;
  size_t most_bytes_;
  mutable std::mutex mutex_;
  mutable size_t bytes_ = 0;
  mutable std::vector<std::shared_ptr<const Sample>> kept_;
};

/// Samples [first, first + count) of another dataset, always as they look in `epoch` 0: a fixed validation set, or the few
/// samples of an overfitting trial.
class FixedDataset : public Dataset {
 public:
  FixedDataset(DatasetPtr base, int64_t first, int64_t count);
  int64_t size() const override { return count_; }
  Sample get(uint64_t epoch, int64_t index) const override;

 private:
  DatasetPtr base_;
  int64_t first_, count_;
};

/// Throws Error unless 0 <= index < size.
void check_index(const char* who, int64_t index, int64_t size);

}  // namespace kintsugi
