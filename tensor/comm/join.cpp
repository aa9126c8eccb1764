// From a launch to a rank's end of a communicator.
#include <unistd.h>

#include <random>

#include "tensor/comm/launch.h"
#include "tensor/comm/lifeline.h"
#include "tensor/comm/mpi.h"
#include "tensor/comm/nccl.h"
#include "tensor/comm/rendezvous.h"
#include "tensor/comm/sockets.h"

namespace kintsugi {
namespace comm {
namespace {

using Parts = HostCommunicator::Parts;

Parts start_parts(const char* row) {
  Parts p;
  p.row = row;
  p.health = std::make_shared<Health>();
  p.worker = std::make_unique<Worker>();
  return p;
}

// A port, and where it may be reached.
std::string address_of(const Listener& door) {
  std::vector<std::string> note = own_addresses();
  note.insert(note.begin(), std::to_string(door.port()));
  return pack(note);
}

Parts by_sockets(const Launch& l, double time_out) {
  Parts p = start_parts("sockets");
  const Listener data(0);
  const Attendance mine{l.rank, l.size, l.run, address_of(data)};
  Meeting meeting = l.rank == 0 ? host_meeting(Listener(l.port), mine, time_out) : attend_meeting({l.host}, l.port, mine, time_out);
  std::vector<std::vector<std::string>> doors;
  for (int r = 0; r < l.size; ++r) {
    doors.push_back(unpack(meeting.notes[size_t(r)]));
    // The way it came is the likeliest way back.
    doors.back().insert(doors.back().begin() + 1, r == 0 ? l.host : meeting.seen[size_t(r)]);
  }
  p.transport = std::make_unique<SocketTransport>(l.rank, connect_all(l.rank, data, doors, l.run, time_out), p.health);
  p.guardian = std::make_unique<Lifeline>(l.rank, l.size, std::move(meeting.connections), p.health, time_out);
  return p;
}

// Texts of all ranks, before there is a communicator.
std::vector<std::string> exchange_texts(Transport& t, uint64_t operation, const std::string& mine) {
  constexpr size_t kMost = 4096;
  KIN_CHECK(mine.size() < kMost, "a text is too long");
  std::vector<std::string> all(size_t(t.size()), std::string(kMost, 0));
  all[size_t(t.rank())].replace(0, mine.size(), mine);
  std::vector<Outgoing> out;
  std::vector<Incoming> in;
  for (int r = 0; r < t.size(); ++r) {
    if (r == t.rank()) continue;
    out.push_back({r, all[size_t(t.rank())].data(), kMost});
    in.push_back({r, all[size_t(r)].data(), kMost});
  }
  t.exchange(operation, out, in);
  for (std::string& s : all) s.resize(s.find('\0'));
  return all;
}

Parts by_mpi(const Launch& l, double time_out) {
  std::string reason;
  const KinMpi* mpi = open_mpi(reason);
  if (!mpi)
    fail("launched by ", l.launcher, " as rank ", l.rank, " of ", l.size, ", but MPI cannot be used: ", reason,
         "; build where mpi.h is (libopenmpi-dev), or launch with torchrun's variables (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT)");
  Parts p = start_parts("MPI");
  try {
    std::string place;
    std::unique_ptr<Listener> door;
    // MPI is begun, used and ended by the worker alone.
    p.worker->run([&] {
      p.transport = std::make_unique<MpiTransport>(*mpi, p.health);
      KIN_CHECK(p.transport->size() == l.size && p.transport->rank() == l.rank, "MPI says rank ", p.transport->rank(), " of ", p.transport->size(),
                ", and ", l.launcher, " rank ", l.rank, " of ", l.size, ": the program was built with another MPI library (", mpi->version(), ")");
      if (l.rank == 0) {
        door = std::make_unique<Listener>(0);
        std::vector<std::string> way = own_addresses();
        way.insert(way.begin(), {std::to_string(std::random_device{}()), std::to_string(door->port())});
        way.push_back("127.0.0.1");
        place = pack(way);
      }
      place = exchange_texts(*p.transport, 0, place)[0];
    }).get();
    const auto way = unpack(place);  // the run's name, a port, addresses
    const Attendance mine{l.rank, l.size, way.at(0), ""};
    Meeting meeting = l.rank == 0 ? host_meeting(*door, mine, time_out)
                                  : attend_meeting({way.begin() + 2, way.end()}, std::stoi(way.at(1)), mine, time_out);
    p.guardian = std::make_unique<Lifeline>(l.rank, l.size, std::move(meeting.connections), p.health, time_out);
  } catch (const std::exception& e) {
    p.health->fail(e.what());  // MPI is not ended in order then: that would wait for the others
    throw;
  }
  return p;
}

}  // namespace
}  // namespace comm

std::shared_ptr<Communicator> join(const Launch& l, Device device, double time_out, Carrier carrier) {
  KIN_CHECK(time_out > 0, "join: the time-out must be positive, got ", time_out);
  std::shared_ptr<Communicator> host;
  if (l.way == Launch::Way::alone) host = local_communicators(1, time_out)[0];
  else host = std::make_shared<comm::HostCommunicator>(l.way == Launch::Way::mpi ? comm::by_mpi(l, time_out) : comm::by_sockets(l, time_out));
  const bool nccl = carrier == Carrier::automatic ? host->size() > 1 && device.kind == DeviceKind::cuda : carrier == Carrier::nccl;
  if (!nccl) return host;
  return comm::over_nccl(std::static_pointer_cast<comm::HostCommunicator>(host), device);
}

}  // namespace kintsugi
