// The training loop, one for all stages.
#pragma once
#include "apps/train/stage.h"

namespace kintsugi {

/// Runs a stage from its start, or from a saved state unless that is null, to its end: draws batches, steps, writes values and moves the
/// progress bar; saves a state at the start, every so many steps and at the end; validates every so many steps and at the end; keeps the
/// best. Throws, its state saved, StopRequested when the run was asked to stop and DeadStageError when a dead stage is to end it. `inputs` are
/// hashes of what the stage starts from.
void train_stage(Run& run, Stage& stage, const Inputs& inputs, const SavedState* saved);

}  // namespace kintsugi
