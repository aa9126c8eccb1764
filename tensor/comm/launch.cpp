#include "tensor/comm/launch.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

// Steps from here on are Slurm's own, one process each: the batch script, the shell of salloc, what ssh brought in (slurm.h, SLURM_BATCH_SCRIPT and
// its neighbours).
constexpr int64_t kFirstOwnStep = 0xfffffff0;

class Reader {
 public:
  Reader(std::string launcher, const Lookup& variable) : launcher_(std::move(launcher)), variable_(variable) {}

  std::string word(const char* name) const {
    const char* value = variable_(name);
    if (!value || !*value) throw UsageError(text(launcher_, ": ", name, " is not set, though other variables of this launcher are"));
    return value;
  }
  std::string word_or(const char* name, const std::string& otherwise) const {
    const char* value = variable_(name);
    return value && *value ? value : otherwise;
  }
  template <class Int = int>
  Int number(const char* name, Int least) const {
    const std::string value = word(name);
    Int n = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (error != std::errc() || end != value.data() + value.size() || n < least)
      throw UsageError(text(launcher_, ": ", name, " must be a whole number of at least ", least, ", got '", value, "'"));
    return n;
  }
  template <class Int = int>
  Int number_or(const char* name, Int otherwise) const { return word_or(name, "").empty() ? otherwise : number<Int>(name, 0); }

 private:
  std::string launcher_;
  const Lookup& variable_;
};

Launch with_ranks(Launch l, const Reader& r, const char* rank, const char* size, const char* local_rank, const char* local_size) {
  l.rank = r.number(rank, 0);
  l.size = r.number(size, 1);
  if (l.rank >= l.size) throw UsageError(text(l.launcher, ": ", rank, " must be below ", size, " = ", l.size, ", got ", l.rank));
  l.local_rank = r.number_or(local_rank, 0);
  l.local_size = r.number_or(local_size, 0);
  return l;
}

}  // namespace

std::string first_host(const std::string& list) {
  std::string host;
  for (size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    size_t end = i + 1;  // the first number of the bracket
    while (end < list.size() && !std::strchr(",-]", list[end])) host += list[end++];
    i = list.find(']', end);
    if (i == std::string::npos) break;
  }
  if (host.empty()) throw UsageError(text("Slurm: the list of nodes names none: '", list, "'"));
  return host;
}

Launch detect_launch(const Lookup& variable) {
  const auto is_set = [&](const char* name) { return variable(name) != nullptr; };
  if (is_set("RANK") && is_set("WORLD_SIZE")) {
    const Reader r("torchrun", variable);
    Launch l = with_ranks({"torchrun", Launch::Way::sockets}, r, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE");
    l.host = r.word("MASTER_ADDR");
    l.port = r.number("MASTER_PORT", 1);
    // torchrun itself may listen there for the whole run; it says so.
    if (r.word_or("TORCHELASTIC_USE_AGENT_STORE", "") == "True") ++l.port;
    l.run = r.word_or("TORCHELASTIC_RUN_ID", "") + "/" + r.word_or("TORCHELASTIC_RESTART_COUNT", "0");
    return l;
  }
  if (is_set("OMPI_COMM_WORLD_RANK")) {
    const Reader r("Open MPI", variable);
    return with_ranks({"Open MPI", Launch::Way::mpi}, r, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                      "OMPI_COMM_WORLD_LOCAL_SIZE");
  }
  // srun sets PMI_RANK too; MPI_LOCALRANKID is Hydra's, which starts MPICH and Intel MPI.
  if (is_set("PMI_RANK") && is_set("MPI_LOCALRANKID")) {
    const Reader r("MPICH", variable);
    return with_ranks({"MPICH", Launch::Way::mpi}, r, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS");
  }
  // A shell within an allocation has SLURM_ variables too, but only srun gives a process a rank in a step.
  if (is_set("SLURM_PROCID") && is_set("SLURM_STEP_NODELIST")) {
    const Reader r("Slurm", variable);
    const auto step = r.number_or<int64_t>("SLURM_STEP_ID", 0);
    if (step >= kFirstOwnStep) return {};
    Launch l = with_ranks({"Slurm", Launch::Way::sockets}, r, "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE");
    l.host = first_host(r.word("SLURM_STEP_NODELIST"));
    const auto job = r.number<int64_t>("SLURM_JOB_ID", 0);
    l.port = 20000 + int((job * 31 + step) % 12000);  // below the ports that Linux gives away on its own
    l.run = text(job, '.', step);
    return l;
  }
  return {};
}

Launch detect_launch() {
  return detect_launch([](const char* name) { return std::getenv(name); });
}

}  // namespace kintsugi
