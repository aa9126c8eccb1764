// The codes that stages II and III are to predict: those of the clean faces, by stage I's encoder and codebook.
#pragma once
#include "apps/train/nets.h"
#include "apps/train/run.h"
#include "data/batch.h"

namespace kintsugi {

class TargetCodes {
 public:
  /// With recipe.cache_codes, the codes of all training faces as they are and, if the recipe mirrors, mirrored, are read from a file in that
  /// folder whose name tells network and data, or else made now and kept there. Throws StopRequested when the run is asked to stop
  /// meanwhile; what was made is kept then too. Without it, codes are made batch by batch. `vqgan` must outlive this.
  TargetCodes(const Run& run, const Vqgan& vqgan);

  /// [N x T] i64, on the run's device: those that are kept in the file; empty without one.
  Tensor kept(const Batch& batch) const;
  /// Those of the clean faces gt: `kept` where there are any, else made now.
  Tensor operator()(const Tensor& gt, const Tensor& kept) const { return kept ? kept : vqgan_.net->codes(gt); }

 private:
  void open(const Run& run);
  void make(const Run& run, const DatasetPtr& views, int64_t done, const std::string& file, const Metadata& identity);

  const Vqgan& vqgan_;
  Device device_;
  int ways_ = 1;   // views of a face: as it is, and mirrored
  Tensor table_;   // [faces x ways, T] i32; empty without a cache
};

}  // namespace kintsugi
