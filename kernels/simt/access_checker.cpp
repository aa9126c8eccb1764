#include "kernels/simt/access_checker.h"

#include <algorithm>
#include <set>

#include "kernels/base/error.h"

namespace kintsugi::simt {
namespace {

thread_local AccessCounter* counter = nullptr;

// Passes over the 32 banks of 4 bytes for the given addresses: the most distinct words that fall into one bank.
unsigned wavefronts_of(const std::vector<uintptr_t>& addresses, unsigned bytes) {
  std::array<std::set<uintptr_t>, 32> banks;
  size_t most = 0;
  for (uintptr_t a : addresses)
    for (uintptr_t word = a / 4; word <= (a + bytes - 1) / 4; ++word) {
      auto& bank = banks[word % 32];
      bank.insert(word);
      most = std::max(most, bank.size());
    }
  return unsigned(most);
}

}  // namespace

AccessCounter::AccessCounter() { counter = this; }
AccessCounter::~AccessCounter() { counter = nullptr; }
AccessCounter* AccessCounter::active() { return counter; }

void AccessChecker::begin_block(unsigned threads) {
  ++block_;
  const unsigned warps = (threads + kWarp - 1) / kWarp;
  clocks_.assign(warps, Clock{});
  for (unsigned w = 0; w < warps; ++w) clocks_[w][w] = 1;
  last_synced_.assign(warps, 0);
  objects_.clear();
  requests_.clear();
  turns_.clear();
}

void AccessChecker::end_block() {
  if (!counter) return;
  AccessCounts& c = counter->counts_;
  for (const auto& [place, r] : requests_) {
    std::vector<uintptr_t> addresses;
    for (unsigned l = 0; l < kWarp; ++l)
      if (r.lanes >> l & 1) addresses.push_back(r.address[l]);
    if (!r.shared) {
      std::set<uintptr_t> sectors;
      for (uintptr_t a : addresses)
        for (uintptr_t s = a / 32; s <= (a + r.bytes - 1) / 32; ++s) sectors.insert(s);
      ++c.global_requests;
      c.global_bytes += addresses.size() * r.bytes;
      c.global_sectors += sectors.size();
      continue;
    }
    ++c.shared_requests;
    // Accesses of 8 bytes are served a half warp at a time, of 16 bytes a quarter.
    const unsigned lanes = r.bytes <= 4 ? 32 : r.bytes == 8 ? 16 : 8;
    for (unsigned first = 0; first < kWarp; first += lanes) {
      std::vector<uintptr_t> group;
      for (unsigned l = first; l < first + lanes; ++l)
        if (r.lanes >> l & 1) group.push_back(r.address[l]);
      if (group.empty()) continue;
      c.shared_wavefronts += wavefronts_of(group, r.bytes);
      ++c.shared_ideal;
    }
  }
}

void AccessChecker::warp_synced(unsigned warp) { last_synced_[warp] = clocks_[warp][warp]++; }

void AccessChecker::arrived(unsigned thread, const void* object) {
  const unsigned warp = thread / kWarp;
  Clock& released = objects_[object];
  for (unsigned w = 0; w < clocks_.size(); ++w) released[w] = std::max(released[w], clocks_[warp][w]);
  ++clocks_[warp][warp];
}

void AccessChecker::passed(unsigned thread, const void* object) {
  const auto found = objects_.find(object);
  if (found == objects_.end()) return;
  Clock& mine = clocks_[thread / kWarp];
  for (unsigned w = 0; w < clocks_.size(); ++w) mine[w] = std::max(mine[w], found->second[w]);
}

AccessChecker::Cell& AccessChecker::cell(uint32_t granule) {
  if (granule >= cells_.size()) cells_.resize(granule + 1024);
  Cell& c = cells_[granule];
  if (c.block != block_) {
    c = Cell{};
    c.block = block_;
  }
  return c;
}

// Did what `other` did at `clock` happen before what `thread` does now?
bool AccessChecker::ordered(unsigned thread, unsigned other_warp, unsigned other, uint32_t clock) const {
  if (thread == other || clock == 0) return true;
  const unsigned warp = thread / kWarp;
  return clock <= (warp == other_warp ? last_synced_[warp] : clocks_[warp][other_warp]);
}

std::string AccessChecker::shared_access(unsigned thread, uint32_t offset, unsigned bytes, bool write) {
  const unsigned warp = thread / kWarp;
  const uint32_t now = clocks_[warp][warp];
  for (uint32_t g = offset / kGranule; g <= (offset + bytes - 1) / kGranule; ++g) {
    Cell& c = cell(g);
    if (!write && !c.written) return text("thread ", thread, " reads what nobody wrote");
    if (bytes >= kGranule) {  // elements of one byte share a granule with their neighbours
      if (!ordered(thread, c.writer / kWarp, c.writer, c.write_clock))
        return text("thread ", thread, write ? " overwrites" : " reads", " what thread ", c.writer, " wrote, with no barrier between them");
      for (unsigned w = 0; write && w < clocks_.size(); ++w)
        if (!ordered(thread, w, c.reader[w], c.read_clock[w]))
          return text("thread ", thread, " overwrites what warp ", w, " reads, with no barrier between them");
    }
    if (write) {
      c.written = true;
      c.writer = uint16_t(thread);
      c.write_clock = now;
      c.read_clock.fill(0);
    } else {
      c.reader[warp] = uint16_t(c.read_clock[warp] == now && c.reader[warp] != thread ? kSeveral : thread);
      c.read_clock[warp] = now;
    }
  }
  return "";
}

void AccessChecker::shared_written(uint32_t offset, unsigned bytes) {
  for (uint32_t g = offset / kGranule; g <= (offset + bytes - 1) / kGranule; ++g) {
    Cell& c = cell(g);
    c.written = true;
    c.write_clock = 0;
  }
}

void AccessChecker::count(unsigned thread, const void* code, uintptr_t address, unsigned bytes, bool shared) {
  const unsigned turn = turns_[{code, thread}]++, lane = thread % kWarp;
  Request& r = requests_[{code, thread / kWarp, turn}];
  r.lanes |= 1u << lane;
  r.address[lane] = address;
  r.bytes = bytes;
  r.shared = shared;
}

}  // namespace kintsugi::simt
