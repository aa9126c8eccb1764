// The row of sockets: every rank has a connection to every other, for CPU runs without MPI and for what NCCL does not carry.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tensor/comm/socket.h"
#include "tensor/comm/transport.h"

namespace kintsugi::comm {

class SocketTransport : public Transport {
 public:
  /// peers[r] leads to rank r; the own place is empty.
  SocketTransport(int rank, std::vector<Socket> peers, std::shared_ptr<Health> health) : rank_(rank), peers_(std::move(peers)), health_(std::move(health)) {}
  int rank() const override { return rank_; }
  int size() const override { return int(peers_.size()); }
  void exchange(uint64_t operation, const std::vector<Outgoing>& out, const std::vector<Incoming>& in) override;

 private:
  int rank_;
  std::vector<Socket> peers_;
  std::shared_ptr<Health> health_;
};

/// A connection between every two ranks: each knocks at the doors of the lower ones. doors[r]: rank r's port, then addresses to try it at.
std::vector<Socket> connect_all(int rank, const Listener& door, const std::vector<std::vector<std::string>>& doors, const std::string& run, double time_out);

}  // namespace kintsugi::comm
