// Photographs in a folder.
#pragma once
#include "data/picture_source.h"

namespace kintsugi {

/// The files below a folder, ordered by path, relative to it.
struct FolderFiles {
  std::vector<std::filesystem::path> images;  // whatever they are called; recognised by content
  std::vector<std::filesystem::path> others;
};
/// Throws Error when the folder is missing, is not a folder, or holds no image.
FolderFiles find_files(const std::filesystem::path& folder);

/// Who is in each file by an index (data/face_index.h), "" for nobody it names. Throws Error when the index cannot be read or names none.
std::vector<std::string> people_in(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& files,
                                   const std::filesystem::path& index);

/// All images below a folder. Without an index every file counts as a person of its own. Pictures of another size are cut to their middle
/// square, then resized (area when shrinking, bilinear when enlarging).
class FolderDataset : public PictureDataset {
 public:
  /// Throws Error as find_files and people_in do, and when no image is in the chosen part.
  explicit FolderDataset(const std::filesystem::path& folder, const PictureOptions& options = {});

  int64_t size() const override { return int64_t(files_.size()); }
  Sample get(uint64_t epoch, int64_t index) const override;
  std::string listing() const override;

  /// Paths relative to the folder.
  const std::vector<std::filesystem::path>& files() const { return files_; }
  /// Files found that are not images.
  const std::vector<std::filesystem::path>& skipped() const { return skipped_; }

 private:
  std::filesystem::path folder_;
  int size_;
  std::vector<std::filesystem::path> files_, skipped_;
};

}  // namespace kintsugi
