// The training loop, one for all stages.
#pragma once
#include "apps/train/stage.h"

namespace kintsugi {

/// Runs a stage from its start, or from a saved state, to its end: draws batches, steps, writes values and moves the progress bar; saves
/// a state at the start, every so many steps and at the end; validates every so many steps and at the end; keeps the best. A run that
/// was asked to stop saves its state and throws StopRequested. `inputs` are hashes of what the stage starts from.
void train_stage(Run& run, Stage& stage, const Inputs& inputs, const std::optional<StateFolder::File>& saved);

}  // namespace kintsugi
