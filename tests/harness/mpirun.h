// The shell's words that start a program on several ranks of Open MPI.
#pragma once
#include <string>

#include "kernels/base/error.h"

namespace kintsugi {

/// What follows runs on `ranks` ranks of this machine. Sanitizers are told to leave out what Open MPI itself does: it frees little at its end, whose
/// places have no names because their modules are unloaded by then, and takes its locks in more than one order. Everything else is watched.
inline std::string mpirun(int ranks) {
  return text("OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=detect_deadlocks=0 "
              "mpirun --oversubscribe -n ",
              ranks);
}

}  // namespace kintsugi
