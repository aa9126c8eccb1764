#include "data/drawn_dataset.h"

#include "data/faces/drawn_face.h"
#include "kernels/base/error.h"

namespace kintsugi {

DrawnDataset::DrawnDataset(uint64_t seed, uint32_t first_identity, int64_t count, int size, uint32_t variations)
    : seed_(seed), first_(first_identity), count_(count), size_(size), variations_(variations) {
  KIN_CHECK(count > 0 && count <= int64_t(UINT32_MAX) - first_identity, "drawn dataset: count must be positive and identities fit 32 bits, got ",
            count, " from ", first_identity);
  KIN_CHECK(variations > 0, "drawn dataset: variations must be positive, got ", variations);
}

Sample DrawnDataset::get(uint64_t epoch, int64_t index) const {
  check_index("drawn dataset", index, count_);
  const uint32_t identity = first_ + uint32_t(index), variation = uint32_t(epoch % variations_);
  return {draw_face(seed_, identity, variation, size_).image, {}, text("drawn/", identity, "/", variation)};
}

}  // namespace kintsugi
