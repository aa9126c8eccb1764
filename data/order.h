// The order in which an epoch's samples are drawn, as a function: entry i of the permutation is computed, not looked up, so a run can
// start anywhere at once and nothing is kept per epoch.
#pragma once
#include <cstdint>
#include <vector>

namespace kintsugi {

/// A place in the endless stream of samples: entry `index` of the order of `epoch`.
struct Cursor {
  uint64_t epoch = 0;
  int64_t index = 0;
  bool operator==(const Cursor&) const = default;
};

/// A permutation of [0, size) that depends on (seed, epoch, size) only. Swap-or-not shuffle (Hoang, Morris, Rogaway: "An enciphering scheme
/// based on a card shuffle", CRYPTO 2012): in each round x and K - x (mod size) trade places or not by a coin that both see. Six rounds for each bit of
/// the size, at least 24.
class EpochOrder {
 public:
  /// Throws Error unless 1 <= size < 2^32.
  EpochOrder(uint64_t seed, uint64_t epoch, int64_t size);

  /// Entry i in [0, size).
  int64_t at(int64_t i) const;

 private:
  uint64_t seed_, epoch_;
  int64_t size_;
  std::vector<int64_t> keys_;  // K of each round
};

}  // namespace kintsugi
