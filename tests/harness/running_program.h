// The program running beside the test, to be sent signals.
#pragma once
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/harness/program.h"

namespace kintsugi {

class RunningProgram {
 public:
  /// Starts `kintsugi ARGUMENTS` with signals as a shell has them; stdout and stderr go to `log`.
  RunningProgram(const std::vector<std::string>& arguments, std::filesystem::path log) : log_(std::move(log)) {
    std::vector<char*> argv{const_cast<char*>(KIN_PROGRAM)};
    for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      for (const int s : {SIGINT, SIGTERM, SIGUSR1}) ::signal(s, SIG_DFL);
      const int to = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(to, STDOUT_FILENO);
      ::dup2(to, STDERR_FILENO);
      ::execv(KIN_PROGRAM, argv.data());
      ::_exit(127);
    }
  }
  ~RunningProgram() {
    if (child_ > 0) ::kill(child_, SIGKILL), ::waitpid(child_, &status_, 0);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  bool running() {
    if (child_ > 0 && ::waitpid(child_, &status_, WNOHANG) == child_) child_ = -1;
    return child_ > 0;
  }
  void send(int signal) const { REQUIRE(::kill(child_, signal) == 0); }

  /// Waits for `holds`, a minute at most, after which the test has failed.
  template <class Condition>
  void wait_until(Condition&& holds) const {
    for (int i = 0; i < 12000; ++i) {
      if (holds()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL("nothing happened for a minute: " << log());
  }
  /// Waits for its end and returns how it ended, as waitpid() tells.
  int wait() {
    wait_until([&] { return !running(); });
    return status_;
  }
  std::string log() const { return content(log_); }

 private:
  std::filesystem::path log_;
  pid_t child_ = -1;
  int status_ = 0;
};

}  // namespace kintsugi
