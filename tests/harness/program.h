// Running the program as a user does.
#pragma once
#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace kintsugi {

struct ProgramRun {
  int exit_code = -1;  // -1: killed by a signal
  std::string output;  // stdout and stderr
};

/// Runs `kintsugi ARGUMENTS` through the shell.
inline ProgramRun run_program(const std::string& arguments) {
  ProgramRun run;
  FILE* pipe = ::popen(("'" KIN_PROGRAM "' " + arguments + " 2>&1").c_str(), "r");
  if (!pipe) return run;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) run.output.append(buffer, n);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
  return run;
}

}  // namespace kintsugi
