#include "tensor/comm/launch.h"

#include <doctest/doctest.h>

#include <map>

#include "kernels/base/error.h"

using namespace kintsugi;

namespace {

using Variables = std::map<std::string, std::string>;

Launch launch_of(const Variables& v) {
  return detect_launch([&](const char* name) {
    const auto found = v.find(name);
    return found == v.end() ? nullptr : found->second.c_str();
  });
}

const Variables kTorchrun{{"RANK", "3"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"LOCAL_WORLD_SIZE", "2"}, {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}};
const Variables kOpenMpi{{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "0"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
const Variables kSlurm{{"SLURM_PROCID", "5"},   {"SLURM_NTASKS", "6"}, {"SLURM_LOCALID", "1"}, {"SLURM_STEP_NODELIST", "gpu[007-009,12],big1"},
                       {"SLURM_JOB_ID", "4711"}, {"SLURM_STEP_ID", "2"}};

Variables with(Variables v, const Variables& more) {
  for (const auto& [name, value] : more) v[name] = value;
  return v;
}
Variables without(Variables v, const std::string& name) {
  v.erase(name);
  return v;
}

}  // namespace

TEST_CASE("launch: each launcher's variables, in the documented order") {
  const Launch none = launch_of({});
  CHECK(none.launcher == "none");
  CHECK(none.way == Launch::Way::alone);
  CHECK(none.rank == 0);
  CHECK(none.size == 1);

  const Launch torch = launch_of(with(with(kSlurm, kOpenMpi), kTorchrun));
  CHECK(torch.launcher == "torchrun");
  CHECK(torch.way == Launch::Way::sockets);
  CHECK(torch.rank == 3);
  CHECK(torch.size == 8);
  CHECK(torch.local_rank == 1);
  CHECK(torch.local_size == 2);
  CHECK(torch.host == "node1");
  CHECK(torch.port == 29500);
  // torchrun itself then keeps its port for the whole run.
  CHECK(launch_of(with(kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}})).port == 29501);
  CHECK(launch_of(with(kTorchrun, {{"TORCHELASTIC_RUN_ID", "a"}, {"TORCHELASTIC_RESTART_COUNT", "1"}})).run == "a/1");

  const Launch mpi = launch_of(with(kSlurm, kOpenMpi));
  CHECK(mpi.launcher == "Open MPI");
  CHECK(mpi.way == Launch::Way::mpi);
  CHECK(mpi.rank == 2);
  CHECK(mpi.size == 4);
  CHECK(mpi.local_size == 2);

  const Launch mpich = launch_of(with(kSlurm, {{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}, {"MPI_LOCALRANKID", "1"}}));
  CHECK(mpich.launcher == "MPICH");
  CHECK(mpich.rank == 1);
  CHECK(mpich.local_rank == 1);
  CHECK(mpich.local_size == 0);
  CHECK(launch_of(with(kSlurm, {{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}})).launcher == "Slurm");  // srun --mpi=pmi2
  CHECK(launch_of({{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}}).way == Launch::Way::alone);

  const Launch slurm = launch_of(kSlurm);
  CHECK(slurm.launcher == "Slurm");
  CHECK(slurm.way == Launch::Way::sockets);
  CHECK(slurm.rank == 5);
  CHECK(slurm.host == "gpu007");
  CHECK(slurm.run == "4711.2");
  CHECK(slurm.port >= 20000);
  CHECK(slurm.port < 32000);
  CHECK(launch_of(with(kSlurm, {{"SLURM_STEP_ID", "3"}})).port != slurm.port);
  // Within an allocation, but not started by srun.
  CHECK(launch_of(without(kSlurm, "SLURM_STEP_NODELIST")).way == Launch::Way::alone);
  for (const char* own : {"4294967280", "4294967290", "4294967291", "4294967292"})  // the least of them; interactive, batch, extern
    CHECK(launch_of(with(kSlurm, {{"SLURM_STEP_ID", own}})).way == Launch::Way::alone);
  CHECK(launch_of(with(kSlurm, {{"SLURM_STEP_ID", "4294967279"}})).launcher == "Slurm");
}

TEST_CASE("launch: what does not fit is named") {
  CHECK_THROWS_WITH_AS(launch_of(with(kTorchrun, {{"RANK", "8"}})), "torchrun: RANK must be below WORLD_SIZE = 8, got 8", UsageError);
  CHECK_THROWS_WITH_AS(launch_of(with(kTorchrun, {{"RANK", "x"}})), "torchrun: RANK must be a whole number of at least 0, got 'x'", UsageError);
  CHECK_THROWS_WITH_AS(launch_of(with(kTorchrun, {{"WORLD_SIZE", "0"}})), "torchrun: WORLD_SIZE must be a whole number of at least 1, got '0'", UsageError);
  CHECK_THROWS_WITH_AS(launch_of(without(kTorchrun, "MASTER_ADDR")), "torchrun: MASTER_ADDR is not set, though other variables of this launcher are", UsageError);
  CHECK_THROWS_AS(launch_of(without(kOpenMpi, "OMPI_COMM_WORLD_SIZE")), UsageError);
  CHECK_THROWS_AS(launch_of(with(kSlurm, {{"SLURM_STEP_NODELIST", ""}})), UsageError);
  CHECK_THROWS_WITH_AS(launch_of(with(kSlurm, {{"SLURM_STEP_ID", "batch"}})), "Slurm: SLURM_STEP_ID must be a whole number of at least 0, got 'batch'", UsageError);
}

TEST_CASE("launch: the first host of a list of nodes") {
  CHECK(first_host("n1") == "n1");
  CHECK(first_host("n1,n2") == "n1");
  CHECK(first_host("n[3-5]") == "n3");
  CHECK(first_host("n[03,7],m") == "n03");
  CHECK(first_host("rack[1-2]n[04-05].x") == "rack1n04.x");
  CHECK_THROWS_AS(first_host(""), UsageError);
}
