#include "tensor/comm/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "kernels/base/error.h"

namespace kintsugi::comm {
namespace {

int milliseconds_to(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return int(std::clamp<int64_t>(left, 0, 1 << 30));
}

// Does the descriptor get ready for the events before the deadline?
bool ready(int descriptor, short events, Deadline deadline) {
  for (;;) {
    pollfd p{descriptor, events, 0};
    const int n = ::poll(&p, 1, milliseconds_to(deadline));
    if (n > 0) return true;
    if (n == 0) return false;
    KIN_CHECK(errno == EINTR, "poll: ", std::strerror(errno));
  }
}

void set_up(int descriptor) {
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

std::string numeric(const sockaddr* address, socklen_t length) {
  char host[NI_MAXHOST] = "";
  ::getnameinfo(address, length, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  const std::string text = host;
  return text.starts_with("::ffff:") ? text.substr(7) : text;  // an IPv4 address seen through an IPv6 socket
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Socket Socket::connect(const std::string& host, int port, Deadline deadline, std::string& reason) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  if (const int e = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) {
    reason = ::gai_strerror(e);
    return {};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* a = found; a; a = a->ai_next) {
    Socket s(::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!s) continue;
    int error = ::connect(s.descriptor_, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      error = ETIMEDOUT;
      if (ready(s.descriptor_, POLLOUT, deadline)) {
        socklen_t length = sizeof error;
        ::getsockopt(s.descriptor_, SOL_SOCKET, SO_ERROR, &error, &length);
      }
    }
    if (error == 0) {
      set_up(s.descriptor_);
      return s;
    }
    reason = std::strerror(error);
  }
  return {};
}

void Socket::wait_for(short events, Deadline deadline) const { KIN_CHECK(ready(descriptor_, events, deadline), "late"); }

void Socket::send(const void* data, size_t bytes, Deadline deadline) const {
  const char* p = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::send(descriptor_, p, bytes, MSG_NOSIGNAL);
    if (n >= 0) {
      p += n;
      bytes -= size_t(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(POLLOUT, deadline);
    } else if (errno != EINTR) {
      fail(errno == EPIPE || errno == ECONNRESET ? "closed" : std::strerror(errno));
    }
  }
}

void Socket::receive(void* data, size_t bytes, Deadline deadline) const {
  char* p = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::recv(descriptor_, p, bytes, 0);
    if (n > 0) {
      p += n;
      bytes -= size_t(n);
    } else if (n == 0 || errno == ECONNRESET) {
      fail("closed");
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(POLLIN, deadline);
    } else if (errno != EINTR) {
      fail(std::strerror(errno));
    }
  }
}

void Socket::send_text(const std::string& text, Deadline deadline) const {
  const auto length = uint32_t(text.size());
  send(&length, sizeof length, deadline);
  send(text.data(), text.size(), deadline);
}

std::string Socket::receive_text(Deadline deadline) const {
  uint32_t length;
  receive(&length, sizeof length, deadline);
  KIN_CHECK(length <= 1 << 20, "not one of us");
  std::string text(length, 0);
  receive(text.data(), length, deadline);
  return text;
}

std::string Socket::peer() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  KIN_CHECK(::getpeername(descriptor_, reinterpret_cast<sockaddr*>(&address), &length) == 0, "getpeername: ", std::strerror(errno));
  return numeric(reinterpret_cast<sockaddr*>(&address), length);
}

Listener::Listener(int port) {
  const int on = 1, off = 0;
  int error = 0;
  for (const int family : {AF_INET6, AF_INET}) {  // the first takes IPv4 as well, where there is IPv6
    Socket s(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!s) {
      error = errno;
      continue;
    }
    ::setsockopt(s.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(uint16_t(port));
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(uint16_t(port));
    if (family == AF_INET6) ::setsockopt(s.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    const sockaddr* address = family == AF_INET6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
    if (::bind(s.descriptor(), address, family == AF_INET6 ? sizeof six : sizeof four) == 0 && ::listen(s.descriptor(), 1024) == 0) {
      socket_ = std::move(s);
      return;
    }
    error = errno;
    if (error == EADDRINUSE) break;
  }
  fail("cannot listen at port ", port, ": ", std::strerror(error));
}

int Listener::port() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  KIN_CHECK(::getsockname(socket_.descriptor(), reinterpret_cast<sockaddr*>(&address), &length) == 0, "getsockname: ", std::strerror(errno));
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

Socket Listener::accept(Deadline deadline) const {
  for (;;) {
    const int descriptor = ::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      set_up(descriptor);
      return Socket(descriptor);
    }
    KIN_CHECK(errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED, "accept: ", std::strerror(errno));
    if (!ready(socket_.descriptor(), POLLIN, deadline)) return {};
  }
}

std::vector<std::string> own_addresses() {
  std::vector<std::string> list;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return list;
  for (const ifaddrs* i = all; i; i = i->ifa_next) {
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK)) continue;
    const int family = i->ifa_addr->sa_family;
    if (family == AF_INET) list.push_back(numeric(i->ifa_addr, sizeof(sockaddr_in)));
    if (family == AF_INET6) list.push_back(numeric(i->ifa_addr, sizeof(sockaddr_in6)));
  }
  ::freeifaddrs(all);
  return list;
}

}  // namespace kintsugi::comm
