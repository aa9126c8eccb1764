#include "data/order.h"

#include <algorithm>
#include <bit>

#include "data/dataset.h"
#include "kernels/base/error.h"
#include "kernels/base/philox.h"

namespace kintsugi {

EpochOrder::EpochOrder(uint64_t seed, uint64_t epoch, int64_t size) : seed_(seed), epoch_(epoch), size_(size) {
  KIN_CHECK(size > 0 && size <= int64_t(UINT32_MAX), "order: size must be in [1,2^32), got ", size);
  constexpr size_t kLeastRounds = 24;
  keys_.resize(std::max(kLeastRounds, size_t(6 * std::bit_width(uint64_t(size)))));
  Philox random(seed, "order/keys", epoch);
  for (int64_t& key : keys_) key = random.below(uint32_t(size));
}

int64_t EpochOrder::at(int64_t i) const {
  check_index("order", i, size_);
  const Philox coins(seed_, "order/coins", epoch_);
  int64_t x = i;
  for (size_t round = 0; round < keys_.size(); ++round) {
    const int64_t other = keys_[round] - x + (keys_[round] < x ? size_ : 0);
    if (coins.block(uint64_t(std::max(x, other)) * keys_.size() + round)[0] & 1) x = other;
  }
  return x;
}

}  // namespace kintsugi
