// Which rank of how many is this process, and where do they meet? Read from what launchers put into the environment.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace kintsugi {

struct Launch {
  enum class Way { alone, mpi, sockets };
  std::string launcher = "none";  // "torchrun", "Open MPI", "MPICH", "Slurm" or "none"
  Way way = Way::alone;
  int rank = 0, size = 1;
  int local_rank = 0, local_size = 1;  // among the processes of this machine; 0: the launcher does not say how many
  std::string host = {};               // rank 0's machine, for sockets
  int port = 0;
  std::string run = {};                // name of the run: processes of another are sent away
};

/// An environment variable's value, or null.
using Lookup = std::function<const char*(const char* name)>;

/// The first of these that is there:
///   torchrun  RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT   sockets
///   Open MPI  OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE                      MPI
///   MPICH     PMI_RANK, PMI_SIZE, MPI_LOCALRANKID, MPI_LOCALNRANKS                       MPI; not without the third
///   Slurm     SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID, SLURM_STEP_NODELIST             sockets: first host of the list, a port from the job's id
/// Within Slurm's own steps (a batch script, the shell of salloc) a process is alone: srun did not start it.
/// Throws UsageError naming a variable that is missing or that holds no fitting number.
Launch detect_launch(const Lookup& variable);
/// From this process's environment.
Launch detect_launch();

/// "node[07-09,12],gpu1" -> "node07". Throws UsageError for an empty list.
std::string first_host(const std::string& node_list);

}  // namespace kintsugi
