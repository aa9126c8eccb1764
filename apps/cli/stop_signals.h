// Ctrl-C, SIGTERM and the like as a question the work asks itself, so that no file is left half written.
#pragma once
#include <signal.h>

#include <utility>
#include <vector>

namespace kintsugi {

/// While one lives, the first of these signals is only remembered and the second ends the program at once, by that signal.
/// Before and after, signals do what they did. One at a time.
class StopSignals {
 public:
  explicit StopSignals(std::vector<int> signals = {SIGINT, SIGTERM});
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that came, or 0; always 0 where none lives.
  static int received();

  /// While one lives, a second signal waits: for the moments when a file is being written.
  class Hold {
   public:
    Hold();
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
  };

 private:
  std::vector<std::pair<int, struct sigaction>> before_;
};

/// What the shell is told after a signal: 130 for SIGINT, 143 for SIGTERM.
inline int exit_code_of_signal(int signal) { return 128 + signal; }

}  // namespace kintsugi
