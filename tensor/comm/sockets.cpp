#include "tensor/comm/sockets.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernels/base/error.h"
#include "tensor/comm/rendezvous.h"

namespace kintsugi::comm {
namespace {

// In front of every piece.
struct Label {
  uint64_t operation, bytes;
};

// One piece on its way: the label, then the content.
struct Sending {
  Label label;
  const Outgoing* piece;
  size_t done = 0;
  size_t total() const { return sizeof label + piece->bytes; }
};
struct Receiving {
  Label label{};
  const Incoming* piece;
  size_t done = 0;
  size_t total() const { return sizeof label + piece->bytes; }
};

}  // namespace

void SocketTransport::exchange(uint64_t operation, const std::vector<Outgoing>& out, const std::vector<Incoming>& in) {
  std::vector<Sending> sending(peers_.size());
  std::vector<Receiving> receiving(peers_.size());
  size_t left = out.size() + in.size();
  for (const Outgoing& o : out) sending[size_t(o.to)] = {{operation, o.bytes}, &o};
  for (const Incoming& i : in) receiving[size_t(i.from)] = {{}, &i};

  const auto broken = [&](size_t r, ssize_t n) {
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    health_->broken(text("rank ", r, " of ", size(), " closed its connection (", n == 0 ? "end of file" : std::strerror(errno), ")"));
  };
  // As much as goes without waiting.
  const auto send = [&](size_t r) {
    Sending& s = sending[r];
    while (s.piece && s.done < s.total()) {
      iovec parts[2] = {{&s.label, sizeof s.label}, {const_cast<void*>(s.piece->data), s.piece->bytes}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      size_t skip = s.done;
      for (iovec& part : parts) {
        const size_t n = std::min(skip, part.iov_len);
        part.iov_base = static_cast<char*>(part.iov_base) + n;
        part.iov_len -= n;
        skip -= n;
      }
      const ssize_t n = ::sendmsg(peers_[r].descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0) return broken(r, n);
      s.done += size_t(n);
      if (s.done == s.total()) --left;
    }
  };
  const auto receive = [&](size_t r) {
    Receiving& s = receiving[r];
    while (s.piece && s.done < s.total()) {
      const bool head = s.done < sizeof s.label;
      char* to = head ? reinterpret_cast<char*>(&s.label) + s.done : static_cast<char*>(s.piece->data) + (s.done - sizeof s.label);
      const ssize_t n = ::recv(peers_[r].descriptor(), to, (head ? sizeof s.label : s.total()) - s.done, MSG_DONTWAIT);
      if (n <= 0) return broken(r, n);
      s.done += size_t(n);
      if (s.done == sizeof s.label && (s.label.operation != operation || s.label.bytes != s.piece->bytes))
        mismatch(rank_, int(r), operation, s.piece->bytes, s.label.operation, s.label.bytes);
      if (s.done == s.total()) --left;
    }
  };

  for (size_t r = 0; r < peers_.size(); ++r) send(r);
  while (left > 0) {
    std::vector<pollfd> polls;
    std::vector<size_t> of;
    for (size_t r = 0; r < peers_.size(); ++r) {
      short events = 0;
      if (sending[r].piece && sending[r].done < sending[r].total()) events |= POLLOUT;
      if (receiving[r].piece && receiving[r].done < receiving[r].total()) events |= POLLIN;
      if (events) polls.push_back({peers_[r].descriptor(), events, 0}), of.push_back(r);
    }
    // What has come counts, even when its sender is gone by now.
    if (::poll(polls.data(), polls.size(), 100) == 0) health_->check();
    for (size_t i = 0; i < polls.size(); ++i) {
      if (polls[i].revents & (POLLOUT | POLLERR)) send(of[i]);
      if (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) receive(of[i]);
    }
  }
}

std::vector<Socket> connect_all(int rank, const Listener& door, const std::vector<std::vector<std::string>>& doors, const std::string& run, double time_out) {
  const Deadline deadline = in_seconds(time_out);
  const std::string greeting = "kintsugi data " + run;
  std::vector<Socket> peers(doors.size());
  for (int r = 0; r < rank; ++r) {
    std::string reason = "no address is known";
    const auto& at = doors[size_t(r)];
    for (size_t i = 1; i < at.size() && !peers[size_t(r)]; ++i) {
      Socket s = Socket::connect(at[i], std::stoi(at[0]), std::min(deadline, in_seconds(3)), reason);
      if (s) try {
          s.send_text(pack({greeting, std::to_string(rank), std::to_string(r)}), deadline);
          // An address may belong to another machine here than there: the answer tells.
          if (s.receive_text(std::min(deadline, in_seconds(30))) == greeting) peers[size_t(r)] = std::move(s);
          else reason = "another program answered";
        } catch (const Error& e) {
          reason = e.what();
        }
    }
    KIN_CHECK(peers[size_t(r)], "sockets: rank ", rank, " cannot reach rank ", r, " at ", at.size() > 1 ? at[1] : "?", " port ", at[0], ": ", reason);
  }
  for (int here = rank + 1; here < int(doors.size());) {
    Socket caller = door.accept(deadline);
    if (!caller)
      for (size_t r = size_t(rank) + 1; r < doors.size(); ++r)
        KIN_CHECK(peers[r], "sockets: rank ", r, " has not connected to rank ", rank, " within ", time_out, " s");
    try {
      const auto hello = unpack(caller.receive_text(std::min(deadline, in_seconds(5))));
      if (hello.size() != 3 || hello[0] != greeting || hello[2] != std::to_string(rank)) continue;
      const size_t from = std::stoul(hello[1]);
      if (from <= size_t(rank) || from >= doors.size() || peers[from]) continue;
      caller.send_text(greeting, deadline);
      peers[from] = std::move(caller);
      ++here;
    } catch (const std::exception&) {
      // A stranger: the door stays open.
    }
  }
  return peers;
}

}  // namespace kintsugi::comm
