// How the processes of a run find each other: rank 0 waits at a known place, the others come there with their rank and a note, and everyone
// leaves with a connection to rank 0 and the notes of all.
#pragma once
#include <string>
#include <vector>

#include "tensor/comm/socket.h"

namespace kintsugi::comm {

struct Attendance {
  int rank, size;
  std::string run;   // name of the run; a process of another run is sent away
  std::string note;  // what this rank wants all others to know
};

struct Meeting {
  std::vector<Socket> connections;  // of rank 0: one for each rank, its own empty; of others: [0], to rank 0
  std::vector<std::string> notes;   // of all ranks
  std::vector<std::string> seen;    // where rank 0 saw each rank come from, numeric; its own is empty
};

/// Rank 0's part. Throws Error naming the ranks that have not come in time; those that have are told.
Meeting host_meeting(const Listener& door, const Attendance& mine, double time_out);
/// The others': tries `hosts` in turn until rank 0 is there. Throws Error naming the place, with rank 0's reason where it gives one.
Meeting attend_meeting(const std::vector<std::string>& hosts, int port, const Attendance& mine, double time_out);

/// Several texts as one, and back.
std::string pack(const std::vector<std::string>& texts);
std::vector<std::string> unpack(const std::string& packed);

}  // namespace kintsugi::comm
