// The progress of kintsugi restore where stderr is a terminal.
#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/apps/restoring.h"

using namespace kintsugi;

TEST_CASE("restore: a bar on a terminal, whose line an error does not spoil") {
  const Scratch folder;
  write_picture(folder / "in/a.png", 16, 16);
  write_text(folder / "in/b.png", "not one");
  const std::string run = tiny_run().path.string(), in = (folder / "in").string(), out = (folder / "out").string();
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  REQUIRE(child >= 0);
  if (child == 0) {
    ::execl(KIN_PROGRAM, KIN_PROGRAM, "restore", in.c_str(), "--weights", run.c_str(), "-o", out.c_str(), nullptr);
    ::_exit(127);
  }
  std::string shown;
  char part[512];
  for (ssize_t n; (n = ::read(terminal, part, sizeof part)) > 0;) shown.append(part, size_t(n));  // ends with an error when the child has
  ::close(terminal);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CAPTURE(shown);
  CHECK(WEXITSTATUS(status) == 3);
  CHECK(shown.starts_with("device: cpu, chosen by auto ("));
  CHECK(shown.find("\r\033[Krestore") != std::string::npos);
  CHECK(shown.find("[############################] 2/2") != std::string::npos);
  CHECK(shown.find("\r\033[Kkintsugi: ") != std::string::npos);
  CHECK(shown.ends_with("1 done, 1 failed\r\n"));
}
