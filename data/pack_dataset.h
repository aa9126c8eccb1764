// Photographs in a pack.
#pragma once
#include "data/pack.h"
#include "data/picture_source.h"

namespace kintsugi {

/// The pictures of a pack in its order, which is that of the folder it was made from; people as the pack names them, a picture without an identity
/// being a person of its own. So a folder and its pack give the same samples and the same parts.
class PackDataset : public PictureDataset {
 public:
  /// Throws Error as Pack does, when no picture is in the chosen part, and when options.index is given: a pack brings its own.
  explicit PackDataset(const std::filesystem::path& path, const PictureOptions& options = {});

  int64_t size() const override { return int64_t(kept_.size()); }
  Sample get(uint64_t epoch, int64_t index) const override;
  std::string listing() const override;
  bool in_memory() const override { return pack_.side() == size_; }

 private:
  Pack pack_;
  int size_;
  std::vector<int64_t> kept_;
};

}  // namespace kintsugi
