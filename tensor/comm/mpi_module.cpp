// The module libkintsugi_mpi.so. In the library of this floor, where MPI's header is not used, this file is empty.
#ifdef KIN_MPI_MODULE
#include <mpi.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <vector>

#include "tensor/comm/mpi_functions.h"

namespace {

struct Running {
  std::vector<MPI_Request> requests;   // incoming ones first
  std::vector<MPI_Status> statuses;
  KinMpiPiece* in = nullptr;
  int ins = 0;
} running;

int say(int code, char* error, size_t bytes) {
  if (code == MPI_SUCCESS) return 0;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  std::snprintf(error, bytes, "%s", text);
  return code;
}

// MPI counts in ints: large pieces travel in several messages, which MPI keeps in order.
constexpr size_t kMost = size_t(1) << 30;
static_assert(kMost <= INT_MAX);

const char* version() {
  static char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  std::replace(text, text + length, '\n', ' ');
  return text;
}

int begin(int* rank, int* size, char* error, size_t bytes) {
  int provided = 0;
  // Called from one thread that is not the program's first: what the standard calls the main thread is the one that comes here.
  if (const int e = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided)) return say(e, error, bytes);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, rank);
  MPI_Comm_size(MPI_COMM_WORLD, size);
  return 0;
}

int start(int tag, const KinMpiPiece* out, int outs, KinMpiPiece* in, int ins, char* error, size_t bytes) {
  running = {{}, {}, in, ins};
  for (int i = 0; i < ins; ++i)
    for (size_t at = 0; at == 0 || at < in[i].bytes; at += kMost) {
      MPI_Request request;
      const int n = int(std::min(kMost, in[i].bytes - at));
      if (const int e = MPI_Irecv(static_cast<char*>(in[i].data) + at, n, MPI_BYTE, in[i].peer, tag, MPI_COMM_WORLD, &request)) return say(e, error, bytes);
      running.requests.push_back(request);
    }
  for (int i = 0; i < outs; ++i)
    for (size_t at = 0; at == 0 || at < out[i].bytes; at += kMost) {
      MPI_Request request;
      const int n = int(std::min(kMost, out[i].bytes - at));
      if (const int e = MPI_Isend(static_cast<const char*>(out[i].data) + at, n, MPI_BYTE, out[i].peer, tag, MPI_COMM_WORLD, &request)) return say(e, error, bytes);
      running.requests.push_back(request);
    }
  running.statuses.resize(running.requests.size());
  return 0;
}

int test(int* done, char* error, size_t bytes) {
  const int e = MPI_Testall(int(running.requests.size()), running.requests.data(), done, running.statuses.data());
  if (e == MPI_ERR_IN_STATUS)
    for (const MPI_Status& s : running.statuses)
      if (s.MPI_ERROR != MPI_SUCCESS && s.MPI_ERROR != MPI_ERR_PENDING) return say(s.MPI_ERROR, error, bytes);
  if (e) return say(e, error, bytes);
  if (!*done) return 0;
  size_t request = 0;
  for (int i = 0; i < running.ins; ++i) {
    running.in[i].arrived = 0;
    for (size_t at = 0; at == 0 || at < running.in[i].bytes; at += kMost) {
      int n = 0;
      MPI_Get_count(&running.statuses[request++], MPI_BYTE, &n);
      running.in[i].arrived += size_t(n);
    }
  }
  return 0;
}

void end() {
  int ended = 0;
  MPI_Finalized(&ended);
  if (!ended) MPI_Finalize();
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const KinMpi* kintsugi_mpi() {
  static const KinMpi table{version, begin, start, test, end};
  return &table;
}
#endif
