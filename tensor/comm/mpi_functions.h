// The few things needed from an MPI library, as a table that a module gives (libkintsugi_mpi.so). The program opens the module when a launcher of MPI
// has started it: it starts without MPI, and no slower for it, everywhere else. Plain C types: the module shares no code with the program.
#pragma once
#include <cstddef>

extern "C" {

struct KinMpiPiece {
  int peer;
  void* data;  // only read where it is sent
  size_t bytes;
  size_t arrived;  // received pieces: set to what came, when done
};

struct KinMpi {
  /// What the library calls itself: one line.
  const char* (*version)();
  /// Once, by the thread that makes all other calls. 0, or a text in error.
  int (*begin)(int* rank, int* size, char* error, size_t error_bytes);
  /// Starts sending and receiving all pieces under one tag; then test until done is not 0. 0, or a text in error.
  int (*start)(int tag, const KinMpiPiece* out, int outs, KinMpiPiece* in, int ins, char* error, size_t error_bytes);
  int (*test)(int* done, char* error, size_t error_bytes);
  /// Behind the last exchange of all ranks.
  void (*end)();
};

/// The module's only name.
const KinMpi* kintsugi_mpi();
}
