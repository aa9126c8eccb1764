#include "tensor/comm/lifeline.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernels/base/error.h"

namespace kintsugi::comm {
namespace {

// On the wire: a kind, the length of the content, the content.
constexpr char kBeat = 'b', kFailure = 'f', kGoodbye = 'g';
struct Header {
  char kind;
  char none[3];
  uint32_t bytes;
};
constexpr uint32_t kMost = 1 << 20;

std::string raw(const Beat& b) {
  const uint64_t content[3] = {b.entered, b.pulses, b.waiting};
  return {reinterpret_cast<const char*>(content), sizeof content};
}

}  // namespace

struct Lifeline::Bell {
  const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  Bell() { KIN_CHECK(descriptor >= 0, "eventfd: ", std::strerror(errno)); }
  ~Bell() { ::close(descriptor); }
  void ring() const { ::eventfd_write(descriptor, 1); }
};

Lifeline::Lifeline(int rank, int size, std::vector<Socket> connections, std::shared_ptr<Health> health, double time_out)
    : rank_(rank), size_(size), health_(std::move(health)), time_out_(time_out), watch_(size, time_out, Clock::now()), bell_(std::make_shared<Bell>()) {
  for (size_t r = 0; r < connections.size(); ++r)
    if (connections[r]) peers_.push_back({int(r), std::move(connections[r]), {}});
  // Ranks other than 0 hear of nobody else: they judge rank 0's silence only.
  if (rank_ != 0)
    for (int r = 1; r < size_; ++r) watch_.left(r);
  health_->on_failure([bell = bell_](const std::string&) { bell->ring(); });
  thread_ = std::thread([this] { run(); });
}

Lifeline::~Lifeline() {
  stopping_ = true;
  bell_->ring();
  thread_.join();
}

void Lifeline::judge() {
  if (health_->failed()) return;
  const auto now = Clock::now();
  if (rank_ == 0) watch_.heard(0, health_->beat(), now);
  const std::string why = rank_ == 0 ? watch_.verdict(now) : watch_.silent(now);
  if (!why.empty()) health_->fail(why);
}

void Lifeline::run() {
  const auto interval = seconds(std::min(1.0, time_out_ / 5));
  Clock::time_point next = Clock::now();
  while (!stopping_ || (health_->failed() && !told_)) {
    if (health_->failed() && !told_) {
      told_ = true;
      tell(kFailure, health_->failure());
    }
    if (const auto now = Clock::now(); now >= next) {
      if (now > next + 3 * interval) watch_.start_over(now);  // this very process was stopped
      next = now + interval;
      tell(kBeat, raw(health_->beat()));
      judge();
    }
    std::vector<pollfd> polls{{bell_->descriptor, POLLIN, 0}};
    std::vector<Peer*> polled;
    for (Peer& p : peers_)
      if (!p.gone) polls.push_back({p.socket.descriptor(), POLLIN, 0}), polled.push_back(&p);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    ::poll(polls.data(), polls.size(), int(std::max<int64_t>(0, left)));
    uint64_t ignored;
    if (polls[0].revents) ::eventfd_read(bell_->descriptor, &ignored);
    for (size_t i = 0; i < polled.size(); ++i)
      if (polls[i + 1].revents) listen(*polled[i]);
  }
  take_leave();
}

// Both sides close when both have said good-bye, so that no message is lost on the way.
void Lifeline::take_leave() {
  if (!told_) tell(kGoodbye, {});
  for (Peer& p : peers_) ::shutdown(p.socket.descriptor(), SHUT_WR);
  const Deadline deadline = in_seconds(2);
  char rest[4096];
  for (Peer& p : peers_) try {
      while (!p.gone) p.socket.receive(rest, 1, deadline);
    } catch (const Error&) {
      p.gone = true;
    }
}

void Lifeline::tell(char kind, const std::string& content) {
  const Header header{kind, {}, uint32_t(std::min<size_t>(content.size(), kMost))};
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message.append(content, 0, header.bytes);
  for (Peer& p : peers_) try {
      if (!p.gone) p.socket.send(message.data(), message.size(), in_seconds(1));
    } catch (const Error&) {
      // A lost one is noticed by listening; one that does not read is named long before its buffer is full.
    }
}

void Lifeline::listen(Peer& peer) {
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::recv(peer.socket.descriptor(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n <= 0) return lost(peer);
    peer.unread.append(buffer, size_t(n));
    Header header;
    while (peer.unread.size() >= sizeof header) {
      std::memcpy(&header, peer.unread.data(), sizeof header);
      if (header.bytes > kMost) return lost(peer);
      if (peer.unread.size() < sizeof header + header.bytes) break;
      const std::string content = peer.unread.substr(sizeof header, header.bytes);
      peer.unread.erase(0, sizeof header + header.bytes);
      understand(peer, header.kind, content);
    }
  }
}

void Lifeline::understand(Peer& peer, char kind, const std::string& content) {
  if (kind == kBeat && content.size() == 24) {
    uint64_t b[3];
    std::memcpy(b, content.data(), sizeof b);
    watch_.heard(peer.rank, {b[0], b[1], b[2] != 0}, Clock::now());
  } else if (kind == kGoodbye) {
    watch_.left(peer.rank);
    peer.gone = true;
  } else if (kind == kFailure) {
    health_->fail(content);
  }
}

void Lifeline::lost(Peer& peer) {
  if (peer.gone) return;
  peer.gone = true;
  health_->fail(text("rank ", peer.rank, " of ", size_, " has ended without a word: killed, crashed or out of memory"));
}

}  // namespace kintsugi::comm
