// Where clean pictures come from: a folder (data/folder_dataset.h) or a pack (data/pack_dataset.h).
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace kintsugi {

struct PictureOptions {
  int size = 512;               // every sample is [size, size, 3]
  std::filesystem::path index = {};  // optional CSV of who is in which file (data/face_index.h); a pack brings its own
  double holdout = 0;           // share of people kept for validation
  enum class Part { all, train, held_out } part = Part::all;
};

struct PictureDataset : Dataset {
  /// One line a sample that changes when its picture does: the name and, in a folder, the file's size or, in a pack, its checksum.
  virtual std::string listing() const = 0;
};

/// A folder or a pack, told apart by content. Throws Error as the two do, and for a file that is no pack.
std::shared_ptr<const PictureDataset> open_pictures(const std::filesystem::path& path, const PictureOptions& options);

/// Throws Error naming `source` for options out of range.
void check(const PictureOptions& options, const std::filesystem::path& source);

/// Which of `count` pictures fall into the part asked for; person(i) says who is in picture i. Throws Error naming `source` when none does.
std::vector<int64_t> pictures_of_part(const PictureOptions& options, const std::filesystem::path& source, int64_t count,
                                      const std::function<std::string(int64_t)>& person);

}  // namespace kintsugi
