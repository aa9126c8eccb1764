// The row of MPI. Launchers of MPI start the processes; MPI carries the bytes.
#pragma once
#include <memory>
#include <string>

#include "tensor/comm/health.h"
#include "tensor/comm/mpi_functions.h"
#include "tensor/comm/transport.h"

namespace kintsugi::comm {

/// The module beside the program, or where it is installed; null, with the reason, when it is not there or cannot be opened.
const KinMpi* open_mpi(std::string& reason);

/// Calls come from the thread that made it.
class MpiTransport : public Transport {
 public:
  MpiTransport(const KinMpi& mpi, std::shared_ptr<Health> health);
  ~MpiTransport() override;
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void exchange(uint64_t operation, const std::vector<Outgoing>& out, const std::vector<Incoming>& in) override;

 private:
  const KinMpi& mpi_;
  std::shared_ptr<Health> health_;
  int rank_ = 0, size_ = 1;
};

}  // namespace kintsugi::comm
