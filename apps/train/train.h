// The three stages of CodeFormer one after the other, from a recipe to a run folder:
//   recipe.toml                every value of the run
//   metrics.jsonl              losses, learning rates and gradient norms, one line per step
//   vqgan.safetensors          stage I: codebook and generator (averaged weights)
//   discriminator.safetensors  stage I: goes on in stage III
//   codes.safetensors          stage II: CodeFormer that predicts codes, w = 0
//   codeformer.safetensors     stage III: the result, for `kintsugi restore`
//   *.png                      validation sheets
#pragma once
#include "apps/train/recipe.h"
#include "apps/train/validate.h"

namespace kintsugi {

struct TrainOptions {
  int first_stage = 1, last_stage = 3;
  bool quiet = false;
  Device device = {};  // where networks are trained; files and random numbers do not depend on it
};

struct TrainResult {
  Reconstruction vqgan;    // after stage I, when it ran
  Validation validation;   // after the last stage, when that was II or III
  std::string checkpoint;  // the last one written
  uint64_t hash = 0;       // of its weights
};

/// Runs the stages asked for; earlier stages' files are read from the run folder. Throws Error when such a file is missing, of another
/// network or of other sizes than the recipe's, with the run folder left alone, and NotFiniteError when a number stops being
/// finite: checkpoints written before, at the end of a stage or within it (save_every), stay as they are.
TrainResult train(const Recipe& recipe, const TrainOptions& options = {});

}  // namespace kintsugi
