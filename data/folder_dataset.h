// Photographs in a folder.
#pragma once
#include <filesystem>
#include <vector>

#include "data/dataset.h"

namespace kintsugi {

struct FolderOptions {
  int size = 512;               // every sample is [size, size, 3]
  std::filesystem::path index;  // optional CSV of who is in which file (data/face_index.h)
  double holdout = 0;           // share of people kept for validation
  enum class Part { all, train, held_out } part = Part::all;
};

/// All images below a folder (whatever they are called; recognised by content), ordered by path. Without an index every file
/// counts as a person of its own. Pictures of another size are cut to their middle square, then resized (area when shrinking,
/// bilinear when enlarging).
class FolderDataset : public Dataset {
 public:
  /// Throws Error when the folder is missing, is not a folder, or holds no image (in the chosen part); when the index
  /// cannot be read or names none of the images.
  explicit FolderDataset(const std::filesystem::path& folder, const FolderOptions& options = {});

  int64_t size() const override { return int64_t(files_.size()); }
  Sample get(uint64_t epoch, int64_t index) const override;

  /// Paths relative to the folder.
  const std::vector<std::filesystem::path>& files() const { return files_; }
  /// Files found that are not images.
  const std::vector<std::filesystem::path>& skipped() const { return skipped_; }

 private:
  void find_images();
  void keep_part(const FolderOptions& options);

  std::filesystem::path folder_;
  int size_;
  std::vector<std::filesystem::path> files_, skipped_;
};

/// The middle square of a picture, resized to size x size.
Image fit_square(const Image& image, int size);

}  // namespace kintsugi
