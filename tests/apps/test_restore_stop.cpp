// kintsugi restore and signals: what is in work is finished, nothing is left half done, the exit code says what happened.
// A pipe as second input holds the program still until the test has sent its signal.
#include <sys/stat.h>

#include <optional>

#include "tests/apps/restoring.h"
#include "tests/harness/running_program.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

/// The program at work on a.png, a pipe b.png and c.png.
struct Stopped {
  Scratch folder;
  std::optional<RunningProgram> program;
  int pipe = -1;

  Stopped() {
    const auto a = write_picture(folder / "in/a.png", 16, 16), c = write_picture(folder / "in/c.png", 16, 16), b = folder / "in/b.png";
    REQUIRE(::mkfifo(b.c_str(), 0600) == 0);
    program.emplace(std::vector<std::string>{"restore", a, b, c, "--weights", tiny_run().path, "-o", folder / "out", "--report", folder / "report.json"},
                    folder / "log");
    program->wait_until([&] { return fs::exists(folder / "out/a.png"); });
    program->wait_until([&] { return (pipe = ::open(b.c_str(), O_WRONLY | O_NONBLOCK)) >= 0; });  // refused until the program asks for b.png
  }
  ~Stopped() {
    if (pipe >= 0) ::close(pipe);
  }

  /// Hands it the second picture and waits for its end. Returns how it ended.
  int feed_and_finish() {
    const std::string bytes = content(folder / "in/c.png");
    REQUIRE(::write(pipe, bytes.data(), bytes.size()) == ssize_t(bytes.size()));
    ::close(pipe);
    pipe = -1;
    return program->wait();
  }
  bool whole(const std::string& name) const { return read_image(folder / "out" / name).w == 16; }
};

}  // namespace

TEST_CASE("restore: a first signal finishes what is in work, reports it and ends with 128 + signal") {
  for (const int signal : {SIGINT, SIGTERM}) {
    CAPTURE(signal);
    Stopped run;
    run.program->send(signal);
    const int status = run.feed_and_finish();
    CAPTURE(run.program->log());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + signal);
    const auto report = nlohmann::json::parse(content(run.folder / "report.json"));
    CHECK(report[0]["status"] == "done");
    CHECK(report[2]["status"] == "not started");
    CHECK(report[1]["status"] == "done");
    CHECK(files_below(run.folder / "out") == std::vector<std::string>{"a.png", "b.png"});
    for (const auto& name : {"a.png", "b.png"}) CHECK(run.whole(name));
    CHECK(run.program->log().find("stopped by a signal") != std::string::npos);
  }
}

TEST_CASE("restore: a second signal ends it at once, by that signal, and leaves no part of a file") {
  Stopped run;
  run.program->send(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // two of one kind at once may count as one
  for (int i = 0; i < 100 && run.program->running(); ++i) {
    run.program->send(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const int status = run.program->wait();
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
  CHECK(files_below(run.folder / "out") == std::vector<std::string>{"a.png"});
  CHECK(run.whole("a.png"));
}
