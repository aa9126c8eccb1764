// TCP connections with deadlines.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor/comm/health.h"

namespace kintsugi::comm {

using Deadline = Clock::time_point;
inline Deadline in_seconds(double s) { return Clock::now() + seconds(s); }

class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& o) noexcept : descriptor_(std::exchange(o.descriptor_, -1)) {}
  Socket& operator=(Socket&& o) noexcept {
    std::swap(descriptor_, o.descriptor_);
    return *this;
  }
  ~Socket();
  explicit operator bool() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  /// One try over all addresses of `host`; empty, with the reason, when none answers in time.
  static Socket connect(const std::string& host, int port, Deadline deadline, std::string& reason);

  /// All bytes, or Error: "closed", "late" or what the system says.
  void send(const void* data, size_t bytes, Deadline deadline) const;
  void receive(void* data, size_t bytes, Deadline deadline) const;
  void send_text(const std::string& text, Deadline deadline) const;
  std::string receive_text(Deadline deadline) const;  // at most 1 MB, else Error
  /// The numeric address at the other end.
  std::string peer() const;

 private:
  void wait_for(short events, Deadline deadline) const;
  int descriptor_ = -1;
};

class Listener {
 public:
  /// On all interfaces; port 0: any free one. Throws Error with the system's reason.
  explicit Listener(int port);
  int port() const;
  /// Empty when nobody came in time.
  Socket accept(Deadline deadline) const;

 private:
  Socket socket_;
};

/// This machine's addresses that others may reach, numeric.
std::vector<std::string> own_addresses();

}  // namespace kintsugi::comm
