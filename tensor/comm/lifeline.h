// A connection from every process to rank 0 that carries signs of life, so that an end, a hang or a failure anywhere is known everywhere, by name,
// whatever the operations themselves are waiting for.
#pragma once
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tensor/comm/host_communicator.h"
#include "tensor/comm/socket.h"

namespace kintsugi::comm {

class Lifeline : public Guardian {
 public:
  /// `connections` as in Meeting. Reports to health, and passes on what it says.
  Lifeline(int rank, int size, std::vector<Socket> connections, std::shared_ptr<Health> health, double time_out);
  /// Says why where all is over, good-bye otherwise.
  ~Lifeline() override;

 private:
  struct Bell;  // wakes the thread
  struct Peer {
    int rank;
    Socket socket;
    std::string unread;
    bool gone = false;  // has said good-bye, or is lost
  };

  void run();
  void judge();
  void listen(Peer& peer);
  void lost(Peer& peer);
  void understand(Peer& peer, char kind, const std::string& content);
  void tell(char kind, const std::string& content);
  void take_leave();

  int rank_, size_;
  std::vector<Peer> peers_;
  std::shared_ptr<Health> health_;
  double time_out_;
  Watch watch_;
  std::shared_ptr<Bell> bell_;
  std::atomic<bool> stopping_{false};
  bool told_ = false;
  std::thread thread_;
};

}  // namespace kintsugi::comm
