#pragma once
#include <string>

#include "apps/train/recipe.h"
#include "data/dataset.h"

namespace kintsugi {

/// What a recipe trains on and is measured on; no person is in both.
struct TrainingData {
  DatasetPtr faces;       // training faces as they are
  DatasetPtr clean;       // the same mirrored at random (stage I)
  DatasetPtr degraded;    // the same with lq degraded anew every epoch (stage II, and III's steps on codes)
  DatasetPtr small;       // the same with a degradation of its own (III's steps on images)
  DatasetPtr validation;  // held-out faces, each with one fixed degradation
  std::string identity;   // of the training faces: SHA-256 over how they are drawn, or over PictureDataset::listing
};
/// Throws Error as the sources do, and when fewer pictures are held out than the recipe wants to measure.
TrainingData make_datasets(const Recipe& recipe);

}  // namespace kintsugi
