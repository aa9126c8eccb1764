#include "tensor/comm/rendezvous.h"

#include <charconv>
#include <thread>

#include "kernels/base/error.h"

namespace kintsugi::comm {
namespace {

constexpr const char* kGreeting = "kintsugi rendezvous 1";
constexpr double kPatience = 5;  // for a caller that says nothing: it is not one of us

// The number a text holds, or -1.
int number(const std::string& text) {
  int n = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size() ? n : -1;
}

// Why a caller may not come in; empty when it may.
std::string refusal(const std::vector<std::string>& hello, const Attendance& mine, const Meeting& meeting) {
  if (hello.size() != 5 || hello[0] != kGreeting) return "it is no process of this program, or of another version";
  if (hello[1] != mine.run) return text("it belongs to run '", hello[1], "', this is run '", mine.run, "'");
  if (number(hello[3]) != mine.size) return text("it is one of ", hello[3], " processes, expected ", mine.size);
  const int rank = number(hello[2]);
  if (rank < 1 || rank >= mine.size) return text("its rank ", hello[2], " is not between 1 and ", mine.size - 1);
  if (meeting.connections[size_t(rank)]) return text("rank ", rank, " is here already");
  return {};
}

std::string missing(const Meeting& m) {
  std::string list;
  for (size_t r = 1; r < m.connections.size(); ++r)
    if (!m.connections[r]) list += text(list.empty() ? "" : ", ", r);
  return list;
}

}  // namespace

std::string pack(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& t : texts) out += text(t.size(), ' ') + t;
  return out;
}

std::vector<std::string> unpack(const std::string& packed) {
  std::vector<std::string> texts;
  for (size_t at = 0; at < packed.size();) {
    const size_t space = packed.find(' ', at);
    KIN_CHECK(space != std::string::npos, "not one of us");
    const int length = number(packed.substr(at, space - at));
    KIN_CHECK(length >= 0 && size_t(length) <= packed.size() - space - 1, "not one of us");
    texts.push_back(packed.substr(space + 1, size_t(length)));
    at = space + 1 + size_t(length);
  }
  return texts;
}

Meeting host_meeting(const Listener& door, const Attendance& mine, double time_out) {
  Meeting meeting;
  meeting.connections.resize(size_t(mine.size));
  meeting.notes.resize(size_t(mine.size));
  meeting.seen.resize(size_t(mine.size));
  meeting.notes[0] = mine.note;
  const Deadline deadline = in_seconds(time_out);
  for (int here = 1; here < mine.size;) {
    Socket caller = door.accept(deadline);
    if (!caller) {
      const std::string absent = missing(meeting);
      const std::string why = text("rank ", absent, " of ", mine.size, " had not come to port ", door.port(), " within ", time_out, " s");
      for (const Socket& s : meeting.connections)
        if (s) try { s.send_text(pack({why}), in_seconds(1)); } catch (const Error&) {}  // it is gone as well
      throw Error("rendezvous: " + why);
    }
    try {
      const auto hello = unpack(caller.receive_text(std::min(deadline, in_seconds(kPatience))));
      const std::string no = refusal(hello, mine, meeting);
      if (!no.empty()) {
        caller.send_text(pack({"sent away by rank 0: " + no}), in_seconds(1));
        continue;
      }
      const auto rank = size_t(number(hello[2]));
      meeting.notes[rank] = hello[4];
      meeting.seen[rank] = caller.peer();
      meeting.connections[rank] = std::move(caller);
      ++here;
    } catch (const Error&) {
      // A stranger, or one that left: the door stays open for the others.
    }
  }
  const std::string welcome = pack({"", pack(meeting.notes), pack(meeting.seen)});
  for (int r = 1; r < mine.size; ++r) try {
      meeting.connections[size_t(r)].send_text(welcome, in_seconds(time_out));
    } catch (const Error& e) {
      fail("rendezvous: rank ", r, " left before all had come (", e.what(), ")");
    }
  return meeting;
}

Meeting attend_meeting(const std::vector<std::string>& hosts, int port, const Attendance& mine, double time_out) {
  const Deadline deadline = in_seconds(time_out);
  std::string reason = "nobody answered";
  const std::string place = text(hosts.empty() ? "?" : hosts.front(), " port ", port);
  const std::string hello = pack({kGreeting, mine.run, std::to_string(mine.rank), std::to_string(mine.size), mine.note});
  for (auto pause = std::chrono::milliseconds(20); Clock::now() < deadline; pause = std::min(2 * pause, std::chrono::milliseconds(1000))) {
    for (const std::string& host : hosts) {
      Meeting meeting;
      Socket s = Socket::connect(host, port, std::min(deadline, in_seconds(kPatience)), reason);
      if (!s) continue;
      std::vector<std::string> answer;
      try {
        s.send_text(hello, deadline);
        answer = unpack(s.receive_text(deadline + seconds(2)));  // rank 0 gives up first, and says who is missing
      } catch (const Error& e) {
        reason = e.what();
        continue;
      }
      KIN_CHECK(answer.size() == 3, "rendezvous at ", place, ": rank ", mine.rank, " ", answer.empty() ? "was not understood" : answer[0]);
      meeting.connections.push_back(std::move(s));
      meeting.notes = unpack(answer[1]);
      meeting.seen = unpack(answer[2]);
      KIN_CHECK(int(meeting.notes.size()) == mine.size && int(meeting.seen.size()) == mine.size, "rendezvous at ", place, ": rank 0 speaks of ",
                meeting.notes.size(), " processes, expected ", mine.size);
      return meeting;
    }
    std::this_thread::sleep_for(pause);
  }
  fail("rendezvous at ", place, ": rank ", mine.rank, " of ", mine.size, " found no rank 0 within ", time_out, " s (", reason, ")");
}

}  // namespace kintsugi::comm
