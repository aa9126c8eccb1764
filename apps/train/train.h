// The three stages of CodeFormer one after the other, from a recipe to a run folder:
//   recipe.toml                every value of the run
//   metrics.jsonl              losses, learning rates and gradient norms, one line per step; the health panel; validations
//   events/stage1/... stage3/  the same and more for TensorBoard
//   vqgan.safetensors          stage I: codebook and generator (averaged weights)
//   discriminator.safetensors  stage I: goes on in stage III
//   codes.safetensors          stage II: CodeFormer that predicts codes, w = 0
//   codeformer.safetensors     stage III: the result, for `kintsugi restore`
//   *.png                      validation sheets
//   best-*.safetensors         networks as of the best validation, where there are several
//   state/                     training states, from which an unfinished run goes on (state.h)
//   run.json                   per stage: version, device, threads, ranks, seed, hashes of what it was started from
#pragma once
#include <functional>
#include <memory>

#include "apps/train/recipe.h"
#include "apps/train/validate.h"
#include "tensor/communicator.h"

namespace kintsugi {

struct TrainOptions {
  int first_stage = 1, last_stage = 3;
  bool quiet = false;
  Device device = {};  // where networks are trained; files and random numbers do not depend on it
  bool resume = false;     // go on from the run folder's last state, where there is one
  bool overwrite = false;  // start anew even where an unfinished run would be lost
  std::shared_ptr<Communicator> communicator = local_communicators(1)[0];  // this process's rank of the run
  std::function<bool()> stop = [] { return false; };  // asked before every step and every batch of a validation
};

struct TrainResult {
  Reconstruction vqgan;    // after stage I, when it ran
  Validation validation;   // after the last stage, when that was II or III
  std::string checkpoint;  // the last one written
  uint64_t hash = 0;       // of its weights
  bool stopped = false;    // options.stop said so; `resume` goes on from there
};

/// Runs the stages asked for; earlier stages' files are read from the run folder, or first copied there from recipe.from. Throws Error when
/// such a file is missing, of another network, other sizes or another codebook, or when a run to be resumed was started with another
/// recipe, other inputs or on another number of ranks, and UsageError when an unfinished run would be overwritten unasked: the run folder is
/// left alone then. Throws NotFiniteError when a number stops being finite, and, on every rank and with a state saved, DeadStageError when a
/// stage is dead and the recipe says stop: files written before, at the end of a stage or within it (save_every), stay as they are.
TrainResult train(const Recipe& recipe, const TrainOptions& options = {});

}  // namespace kintsugi
