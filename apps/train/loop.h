// The training loop, one for all stages.
#pragma once
#include "apps/train/stage.h"

namespace kintsugi {

/// Runs all steps of a stage: draws batches, steps, writes values and moves the progress bar; saves every so many steps and at
/// the end, where it also validates.
void train_stage(Run& run, Stage& stage);

}  // namespace kintsugi
