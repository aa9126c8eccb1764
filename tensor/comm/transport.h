// How bytes travel between ranks. A row of the CPU is one of these; tensor/comm/host_communicator.h does the rest.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kintsugi::comm {

struct Outgoing {
  int to;
  const void* data;
  size_t bytes;
};
struct Incoming {
  int from;
  void* data;
  size_t bytes;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// All pieces at once, none to oneself, at most one each way between two ranks; returns when the last is through. `operation` counts
  /// exchanges: Error when what comes belongs to another, or has another size. Throws Error, too, when Health says that all is over.
  virtual void exchange(uint64_t operation, const std::vector<Outgoing>& out, const std::vector<Incoming>& in) = 0;
};

/// The message for pieces that do not fit, from every transport the same.
[[noreturn]] void mismatch(int rank, int from, uint64_t operation, size_t bytes, uint64_t operation_there, size_t bytes_there);

}  // namespace kintsugi::comm
