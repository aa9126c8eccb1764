#pragma once

namespace kintsugi {

/// What the program says to the shell that called it.
enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,         // wrong options or recipe
  kSomeFailed = 3,    // some inputs failed, the others are done
  kCheckFailed = 4,   // gradcheck, parity
  kStoppedEarly = 75, // stopped, a checkpoint to go on from is written
};

}  // namespace kintsugi
