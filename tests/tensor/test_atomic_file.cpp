#include "tensor/atomic_file.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <iterator>
#include <string>

#include "kernels/base/error.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;
namespace fs = std::filesystem;

static std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("atomic file: appears on commit, replaces the old one, leaves nothing else") {
  Scratch scratch;
  const fs::path path = scratch / "out.bin";
  write_file(path, "old", 3);
  {
    AtomicFile file(path);
    file.write("new", 3);
    file.write(" text", 5);
    CHECK(content(path) == "old");
    file.commit();
    CHECK_THROWS_AS(file.write("x", 1), Error);
  }
  CHECK(content(path) == "new text");
  CHECK(scratch.entries() == 1);
}

TEST_CASE("atomic file: given up without commit, the old content stays") {
  Scratch scratch;
  const fs::path path = scratch / "out.bin";
  write_file(path, "old", 3);
  { AtomicFile(path).write("half", 4); }
  CHECK(content(path) == "old");
  CHECK(scratch.entries() == 1);
}

TEST_CASE("atomic file: a symbolic link stays a link") {
  Scratch scratch;
  write_file(scratch / "real", "old", 3);
  fs::create_symlink("real", scratch / "link");
  write_file(scratch / "link", "new", 3);
  CHECK(fs::is_symlink(scratch / "link"));
  CHECK(content(scratch / "real") == "new");
}

TEST_CASE("atomic file: a target that cannot be written is named") {
  Scratch scratch;
  write_file(scratch / "file", "x", 1);
  CHECK_THROWS_WITH_AS(AtomicFile(scratch / "missing" / "out"), doctest::Contains("missing/out"), Error);
  CHECK_THROWS_WITH_AS(AtomicFile(scratch / "file" / "out"), doctest::Contains("Not a directory"), Error);
  CHECK_THROWS_WITH_AS(AtomicFile(scratch.path()), doctest::Contains("found a folder"), Error);
  CHECK_THROWS_WITH_AS(AtomicFile("/dev/null"), doctest::Contains("not a regular file"), Error);
  CHECK(scratch.entries() == 1);
}

// A limit on the file size stands for a full disk: both make write() fail half-way.
TEST_CASE("atomic file: a full disk is reported and nothing is left") {
  Scratch scratch;
  struct Limit {
    rlimit old{};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    Limit() {
      getrlimit(RLIMIT_FSIZE, &old);
      rlimit small = old;
      small.rlim_cur = 1000;
      setrlimit(RLIMIT_FSIZE, &small);
    }
    ~Limit() {
      setrlimit(RLIMIT_FSIZE, &old);
      signal(SIGXFSZ, handler);
    }
  };
  const std::string big(5000, 'x');
  std::string message;
  {
    Limit limit;
    try {
      write_file(scratch / "big.bin", big.data(), big.size());
    } catch (const Error& e) {
      message = e.what();
    }
  }
  CHECK(message.find("big.bin") != std::string::npos);
  CHECK(message.find("writing failed") != std::string::npos);
  CHECK(scratch.entries() == 0);
}
