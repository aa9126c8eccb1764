#pragma once

namespace kintsugi {

/// What the program says to the shell that called it. Beyond these, 128 + the signal (130, 143): stopped by SIGINT or SIGTERM with
/// nothing to go on from (stop_signals.h).
enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,         // wrong options or recipe
  kSomeFailed = 3,    // some inputs failed, the others are done
  kCheckFailed = 4,   // gradcheck, parity
  kStageDead = 5,     // train: a stage was dead and the recipe said stop; a state is saved
  kStoppedEarly = 75, // stopped, a checkpoint to go on from is written
};

}  // namespace kintsugi
