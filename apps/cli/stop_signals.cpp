#include "apps/cli/stop_signals.h"

#include <atomic>

namespace kintsugi {
namespace {

// What a handler may touch.
std::atomic<int> first{0}, second{0}, holds{0};
static_assert(std::atomic<int>::is_always_lock_free);

void end_by(int signal_number) {
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void on_signal(int signal_number) {
  int none = 0;
  if (first.compare_exchange_strong(none, signal_number)) return;
  if (holds > 0) second = signal_number;
  else end_by(signal_number);
}

}  // namespace

StopSignals::StopSignals(std::vector<int> signals) {
  first = second = 0;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int s : signals) {
    struct sigaction before;
    sigaction(s, &action, &before);
    // A caller that wants signals ignored (nohup, a job in the background of a script) keeps its wish.
    if (before.sa_handler == SIG_IGN) sigaction(s, &before, nullptr);
    before_.emplace_back(s, before);
  }
}

StopSignals::~StopSignals() {
  for (const auto& [s, before] : before_) sigaction(s, &before, nullptr);
  first = second = 0;
}

int StopSignals::received() { return first; }

StopSignals::Hold::Hold() { ++holds; }
StopSignals::Hold::~Hold() {
  if (--holds == 0 && second != 0) end_by(second);
}

}  // namespace kintsugi
