#include "apps/cli/stop_signals.h"

#include <signal.h>

#include <atomic>

namespace kintsugi {
namespace {

// What a handler may touch.
std::atomic<int> first{0}, second{0}, holds{0};
static_assert(std::atomic<int>::is_always_lock_free);

struct sigaction int_before, term_before;

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

// A caller that wants signals ignored (nohup, a job in the background of a script) keeps its wish.
void listen(int signal_number, const struct sigaction& action, struct sigaction& before) {
  sigaction(signal_number, &action, &before);
  if (before.sa_handler == SIG_IGN) sigaction(signal_number, &before, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  first = second = 0;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  listen(SIGINT, action, int_before);
  listen(SIGTERM, action, term_before);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &int_before, nullptr);
  sigaction(SIGTERM, &term_before, nullptr);
}

int StopSignals::received() { return first; }

StopSignals::Hold::Hold() { ++holds; }
StopSignals::Hold::~Hold() {
  if (--holds == 0 && second != 0) end_by(second);
}

}  // namespace kintsugi
