#include "apps/train/datasets.h"

#include "data/drawn_dataset.h"
#include "data/picture_source.h"
#include "data/repeat_dataset.h"
#include "kernels/base/error.h"
#include "tensor/sha256.h"

namespace kintsugi {
namespace {

struct Parts {
  DatasetPtr train, held_out;
  std::string identity;
};

// Drawn people are numbered, so the held-out ones are simply the next numbers.
Parts drawn(const Recipe& r) {
  const DataRecipe& d = r.data;
  return {std::make_shared<CachedDataset>(std::make_shared<DrawnDataset>(r.seed, 0, d.identities, d.size)),
          std::make_shared<DrawnDataset>(r.seed, uint32_t(d.identities), d.validation, d.size),
          sha256_of(text("drawn ", r.seed, " ", d.identities, " ", d.size))};
}

Parts photographs(const Recipe& r) {
  const DataRecipe& d = r.data;
  auto part = [&](PictureOptions::Part p) {
    return open_pictures(d.source, {.size = d.size, .index = d.index, .holdout = d.holdout, .part = p});
  };
  const auto train = part(PictureOptions::Part::train);
  Parts parts{std::make_shared<CachedDataset>(train), part(PictureOptions::Part::held_out), sha256_of(text("pictures ", d.size, "\n", train->listing()))};
  KIN_CHECK(parts.held_out->size() >= d.validation, d.source, ": data.holdout = ", d.holdout, " keeps ", parts.held_out->size(),
            " pictures apart, data.validation asks for ", d.validation);
  return parts;
}

DatasetPtr corrupted(const DataRecipe& d, const DatasetPtr& clean, const DegradeOptions& degrade, DegradeSet set, uint64_t seed) {
  if (d.corrupt == "strokes") return std::make_shared<StrokeDataset>(clean, d.strokes, seed);
  return std::make_shared<DegradeDataset>(clean, degrade, seed, set);
}

}  // namespace

TrainingData make_datasets(const Recipe& r) {
  const Parts parts = r.data.source == "drawn" ? drawn(r) : photographs(r);
  TrainingData data;
  data.faces = parts.train;
  data.identity = parts.identity;
  data.clean = r.data.hflip ? std::make_shared<FlipDataset>(parts.train, r.seed) : parts.train;
  if (r.data.enlarge > 1) data.clean = std::make_shared<RepeatDataset>(data.clean, r.data.enlarge);
  data.degraded = corrupted(r.data, data.clean, r.data.degrade, DegradeSet::large, r.seed);
  data.small = corrupted(r.data, data.clean, r.data.degrade_small, DegradeSet::small, r.seed);
  // Another seed than in training, so that a face's degradation is not one of those trained on either; the numbers of the small set, which were the
  // only ones once, so that figures of different versions compare.
  data.validation = std::make_shared<FixedDataset>(corrupted(r.data, parts.held_out, r.data.degrade, DegradeSet::small, r.seed + 1), 0, r.data.validation);
  return data;
}

}  // namespace kintsugi
