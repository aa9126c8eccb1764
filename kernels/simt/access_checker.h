// The happens-before order of one block's accesses to shared memory, by vector clocks of its warps, and the counting of requests.
// Internal to kernels/simt; used where KIN_SIM_WATCH is defined.
#pragma once
#include <array>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/simt/access.h"
#include "kernels/simt/runtime.h"

namespace kintsugi::simt {

class AccessChecker {
 public:
  void begin_block(unsigned threads);
  /// Adds the block's requests to the active counter.
  void end_block();

  // Synchronisation, as the block performs it.
  void warp_synced(unsigned warp);
  void arrived(unsigned thread, const void* object);  // a barrier or mbarrier, by address
  void passed(unsigned thread, const void* object);
  void forget(const void* object) { objects_.erase(object); }

  /// An access of `bytes` (at most 16) at byte `offset` of shared memory. Returns what is wrong with it, or "".
  std::string shared_access(unsigned thread, uint32_t offset, unsigned bytes, bool write);
  /// Shared memory written by the hardware, or by an atomic: initialised, by nobody in particular.
  void shared_written(uint32_t offset, unsigned bytes);
  /// For the counts: `code` is the instruction.
  void count(unsigned thread, const void* code, uintptr_t address, unsigned bytes, bool shared);

 private:
  static constexpr unsigned kMostWarps = kMostThreads / kWarp, kGranule = 2, kSeveral = 0xffff;  // kSeveral: more than one lane
  using Clock = std::array<uint32_t, kMostWarps>;
  // What was done last to two bytes of shared memory. Clocks start at 1; 0 is never.
  struct Cell {
    uint32_t block = 0;  // which block wrote this cell; others' contents do not count
    bool written = false;
    uint16_t writer = 0;
    uint32_t write_clock = 0;  // 0: by the hardware
    std::array<uint32_t, kMostWarps> read_clock{};
    std::array<uint16_t, kMostWarps> reader{};
  };
  struct Request {
    uint32_t lanes = 0;
    std::array<uintptr_t, kWarp> address;
    unsigned bytes;
    bool shared;
  };
  struct Place {
    const void* code;
    unsigned warp, turn;
    auto operator<=>(const Place&) const = default;
  };

  Cell& cell(uint32_t granule);
  bool ordered(unsigned thread, unsigned other_warp, unsigned other, uint32_t clock) const;

  uint32_t block_ = 0;
  std::vector<Clock> clocks_;          // per warp
  std::vector<uint32_t> last_synced_;  // per warp: its clock when its lanes last met
  std::map<const void*, Clock> objects_;
  std::vector<Cell> cells_;
  std::map<Place, Request> requests_;
  std::map<std::pair<const void*, unsigned>, unsigned> turns_;  // by code and thread
};

}  // namespace kintsugi::simt
