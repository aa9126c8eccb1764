#include "data/folder_dataset.h"

#include <algorithm>

#include "data/face_index.h"
#include "data/image_file.h"
#include "data/resize.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace fs = std::filesystem;

FolderDataset::FolderDataset(const fs::path& folder, const FolderOptions& options) : folder_(folder), size_(options.size) {
  KIN_CHECK(size_ > 0, "dataset ", folder, ": size must be positive, got ", size_);
  KIN_CHECK(options.holdout >= 0 && options.holdout <= 1, "dataset ", folder, ": holdout must be in [0,1], got ", options.holdout);
  KIN_CHECK(fs::exists(folder), "dataset ", folder, ": no such folder");
  KIN_CHECK(fs::is_directory(folder), "dataset ", folder, ": expected a folder, found a file");
  find_images();
  keep_part(options);
}

void FolderDataset::find_images() {
  try {
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (!entry.is_regular_file()) continue;
      (image_format(entry.path()) ? files_ : skipped_).push_back(entry.path().lexically_relative(folder_));
    }
  } catch (const fs::filesystem_error& e) {
    fail("dataset ", folder_, ": ", e.what());
  }
  KIN_CHECK(!files_.empty(), "dataset ", folder_, ": expected images (PNG, JPEG, BMP, TGA or PNM), found ",
            skipped_.empty() ? "an empty folder" : text("only ", skipped_.size(), " other files, such as ", skipped_.front()));
  std::sort(files_.begin(), files_.end());
  std::sort(skipped_.begin(), skipped_.end());
}

void FolderDataset::keep_part(const FolderOptions& options) {
  std::map<fs::path, std::string> people;
  if (!options.index.empty()) people = read_face_index(options.index);
  const fs::path root = fs::canonical(folder_);
  const size_t all = files_.size();
  size_t known = 0;
  std::erase_if(files_, [&](const fs::path& file) {
    const auto it = people.find((root / file).lexically_normal());
    known += it != people.end();
    const bool held_out = is_held_out(it != people.end() ? it->second : file.generic_string(), options.holdout);
    return options.part == FolderOptions::Part::train ? held_out : options.part == FolderOptions::Part::held_out && !held_out;
  });
  KIN_CHECK(options.index.empty() || known > 0, "dataset ", folder_, ": the index ", options.index, " names none of its ", all,
            " images");
  KIN_CHECK(!files_.empty(), "dataset ", folder_, ": none of the ", all, " images falls into the ",
            options.part == FolderOptions::Part::train ? "training" : "held-out", " part (holdout ", options.holdout, ")");
}

Sample FolderDataset::get(uint64_t, int64_t index) const {
  check_index("folder dataset", index, size());
  const fs::path& file = files_[size_t(index)];
  return {fit_square(read_image(folder_ / file), size_), {}, file.generic_string()};
}

Image fit_square(const Image& image, int size) {
  const int side = std::min(image.h, image.w);
  const Image middle = image.h == image.w ? image : crop(image, (image.h - side) / 2, (image.w - side) / 2, side, side);
  return resize(middle, size, size, side > size ? Filter::area : Filter::linear);
}

}  // namespace kintsugi
