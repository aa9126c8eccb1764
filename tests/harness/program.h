// Running the program as a user does.
#pragma once
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/harness/scratch.h"

namespace kintsugi {

struct ProgramRun {
  int exit_code = -1;  // above 128: ended by a signal
  std::string out;     // stdout
  std::string err;     // stderr
  std::string output;  // the one, then the other
};

inline std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Runs `kintsugi ARGUMENTS` through the shell; `before` is shell text in front ("ulimit -f 8;").
inline ProgramRun run_program(const std::string& arguments, const std::string& before = {}) {
  const Scratch streams;
  const auto out = streams / "out", err = streams / "err";
  const std::string command = before + " '" KIN_PROGRAM "' " + arguments + " </dev/null >'" + out.string() + "' 2>'" + err.string() + "'";
  const int status = std::system(command.c_str());
  ProgramRun run{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content(out), content(err), {}};
  run.output = run.out + run.err;
  return run;
}

}  // namespace kintsugi
