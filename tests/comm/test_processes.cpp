// The rows of sockets and MPI, by processes: this program starts itself once for each rank, with the case "a rank" alone.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>

#include "kernels/base/philox.h"
#include "tensor/atomic_file.h"
#include "tensor/comm/launch.h"
#include "tensor/comm/mpi.h"
#include "tensor/comm/socket.h"
#include "tensor/random.h"
#include "tests/comm/ranks.h"
#include "tests/harness/mpirun.h"
#include "tests/harness/program.h"

using namespace kintsugi;
using namespace kintsugi::testing;
namespace fs = std::filesystem;

namespace {

// Sums, a broadcast and a gathering of tensors that fill no packet evenly; the bits of all results in one number.
uint64_t work(Communicator& c) {
  uint64_t hash = 0;
  const auto note = [&](const Tensor& t) { hash = fnv1a64({static_cast<const char*>(t.raw()), t.bytes()}, hash); };
  for (const int64_t n : {1, 1000, 300001}) {
    const Tensor x = random_normal({n}, 0, 1, 1, "rank", uint64_t(c.rank()));
    Tensor sum = x.clone();
    c.all_reduce(sum);
    note(sum);
    c.broadcast(x, c.size() - 1);
    note(x);
    note(c.all_gather(x.rows(0, 1)));
  }
  return hash;
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

constexpr const char* kRole = "KINTSUGI_TEST_ROLE";
constexpr double kShort = 3, kLong = 60;  // seconds: where a time-out is what is tested, and where it must not come first

void be_a_rank() {
  const std::string role = variable(kRole);
  const fs::path out = variable("KINTSUGI_TEST_OUT");
  const Launch launch = detect_launch();
  std::string said;
  try {
    const auto c = join(launch, {}, role == "watched" || role == "hang" ? kShort : kLong);
    said = text(c->row(), ' ', work(*c));
    const fs::path here = out / text("here", launch.rank), pid = text(::getpid());
    write_file(here, pid.c_str(), pid.string().size());
    if (role == "fail" && launch.rank == 1) {
      c->abandon("the disk is full");
      fail("the disk is full");
    }
    if (role == "hang" && launch.rank == 1) std::this_thread::sleep_for(std::chrono::seconds(60));
    while (role != "work") c->barrier();
  } catch (const std::exception& e) {
    said = e.what();
  }
  write_file(out / text("said", launch.rank), said.data(), said.size());
}

std::vector<std::string> own_command() {
  return {fs::read_symlink("/proc/self/exe").string(), "-ns", "-tc=processes: a rank", "--no-version"};
}

int free_port() { return comm::Listener(0).port(); }

// Processes of one run, in the way of torchrun.
class Ranks {
 public:
  Ranks(const std::string& role, int size, int started = -1, int port = free_port()) : port_(port) {
    for (int r = 0; r < (started < 0 ? size : started); ++r) start(role, r, size);
  }
  ~Ranks() {
    for (auto& [rank, pid] : pids_) ::kill(pid, SIGKILL), ::waitpid(pid, nullptr, 0);
  }
  void start(const std::string& role, int rank, int size) {
    const std::map<std::string, std::string> environment{{kRole, role},       {"KINTSUGI_TEST_OUT", out.path().string()}, {"RANK", text(rank)},
                                                         {"WORLD_SIZE", text(size)}, {"LOCAL_RANK", text(rank)},          {"MASTER_ADDR", "localhost"},
                                                         {"MASTER_PORT", text(port_)}};
    const std::vector<std::string> command = own_command();
    std::vector<char*> arguments;
    for (const auto& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
      const int nowhere = ::open("/dev/null", O_WRONLY);
      ::dup2(nowhere, STDOUT_FILENO);
      ::dup2(nowhere, STDERR_FILENO);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    pids_[rank] = pid;
  }
  void send(int rank, int signal) { REQUIRE(::kill(pids_.at(rank), signal) == 0); }
  /// Until every rank is past its first operations.
  void wait_until_here(int size) const {
    for (int r = 0; r < size; ++r) wait_for([&] { return fs::exists(out / text("here", r)); });
  }
  /// Waits for a rank's end and returns what it had to say.
  std::string said(int rank) {
    wait_for([&] { return ::waitpid(pids_.at(rank), nullptr, WNOHANG) == pids_.at(rank); });
    pids_.erase(rank);
    return content(out / text("said", rank));
  }
  Scratch out;

 private:
  template <class Condition>
  static void wait_for(Condition&& holds) {
    for (int i = 0; i < 6000; ++i) {
      if (holds()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL("nothing happened for a minute");
  }
  int port_;
  std::map<int, pid_t> pids_;
};

uint64_t by_threads(int size) {
  std::vector<uint64_t> hashes(size_t(size), 0);
  for (const auto& e : on_ranks(size, [&](auto c) { hashes[size_t(c->rank())] = work(*c); })) CHECK(e == "");
  return hashes[0];
}

double seconds_of(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("processes: a rank" * doctest::skip()) {
  if (*variable(kRole)) be_a_rank();
}

TEST_CASE("processes: sockets give the bits of threads") {
  Ranks ranks("work", 3);
  const std::string expected = text("sockets ", by_threads(3));
  for (int r = 0; r < 3; ++r) CHECK(ranks.said(r) == expected);
}

TEST_CASE("processes: one that is killed ends the others at once, with its number; rank 0 too") {
  for (const int victim : {1, 0}) {
    CAPTURE(victim);
    Ranks ranks("wait", 3);
    ranks.wait_until_here(3);
    const double took = seconds_of([&] {
      ranks.send(victim, SIGKILL);
      for (int r = 0; r < 3; ++r)
        if (r != victim) CHECK(ranks.said(r) == text("rank ", victim, " of 3 has ended without a word: killed, crashed or out of memory"));
    });
    CHECK(took < 20);  // and not the hour that a lost connection may take to be noticed
  }
}

TEST_CASE("processes: one that is stopped, hangs or fails is named within the time-out") {
  {
    Ranks ranks("watched", 3);
    ranks.wait_until_here(3);
    ranks.send(2, SIGSTOP);
    for (const int r : {0, 1}) CHECK(ranks.said(r).starts_with("rank 2 has not been heard of for 3 s"));
  }
  {
    Ranks ranks("hang", 2);
    CHECK(ranks.said(0) == "rank 1 hangs: no sign of life from its work for 3 s, while rank 0 waits for it");
  }
  {
    Ranks ranks("fail", 3);
    for (const int r : {0, 2}) CHECK(ranks.said(r) == "rank 1 failed: the disk is full");
    CHECK(ranks.said(1) == "the disk is full");
  }
}

TEST_CASE("processes: who does not come, or does not belong, is named") {
  {
    Ranks ranks("watched", 4, 2);  // ranks 2 and 3 never start
    for (const int r : {0, 1}) {
      const std::string said = ranks.said(r);
      CHECK_MESSAGE(said.find("rank 2, 3 of 4 had not come to port") != std::string::npos, said);
    }
  }
  {
    Ranks ranks("watched", 2, 1);
    ranks.start("watched", 1, 3);
    CHECK(ranks.said(1).find("sent away by rank 0: it is one of 3 processes, expected 2") != std::string::npos);
    CHECK(ranks.said(0).find("rank 1 of 2 had not come") != std::string::npos);
  }
  const comm::Listener taken(0);
  Ranks ranks("watched", 2, 1, taken.port());
  CHECK(ranks.said(0).find(text("cannot listen at port ", taken.port(), ": Address already in use")) != std::string::npos);
}

TEST_CASE("processes: MPI gives the bits of threads, and names who is killed") {
  std::string reason;
  if (!comm::open_mpi(reason)) {
    MESSAGE("not tested: ", reason);
    return;
  }
  if (std::system("command -v mpirun >/dev/null") != 0) {
    MESSAGE("not tested: there is no mpirun");
    return;
  }
  const auto run = [](const std::string& role, int ranks, const Scratch& out, const std::string& more) {
    std::string command = text(kRole, "=", role, " KINTSUGI_TEST_OUT=", out.path().string(), " ", mpirun(ranks));
    for (const auto& part : own_command()) command += " '" + part + "'";
    return std::system((command + " >" + (out / "log").string() + " 2>&1 " + more).c_str());
  };
  {
    const Scratch out;
    const int status = run("work", 3, out, "");
    CHECK_MESSAGE(status == 0, content(out / "log"));
    const std::string expected = text("MPI ", by_threads(3));
    for (int r = 0; r < 3; ++r) CHECK(content(out / text("said", r)) == expected);
  }
  const Scratch out;
  CHECK(run("wait", 2, out, "&") == 0);
  std::string pid;
  for (int i = 0; i < 3000 && !(fs::exists(out / "here0") && fs::exists(out / "here1")); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  pid = content(out / "here1");
  REQUIRE_MESSAGE(!pid.empty(), content(out / "log"));
  ::kill(pid_t(std::stoi(pid)), SIGKILL);
  // Whoever is first: the launcher, which ends rank 0, or rank 0 itself.
  const auto told = [&] { return content(out / "said0") + content(out / "log"); };
  for (int i = 0; i < 3000 && told().find("rank 1") == std::string::npos; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK_MESSAGE(told().find("rank 1") != std::string::npos, told());
}
