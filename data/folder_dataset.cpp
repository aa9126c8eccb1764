#include "data/folder_dataset.h"

#include <algorithm>

#include "data/codec.h"
#include "data/face_index.h"
#include "data/image_file.h"
#include "data/resize.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace fs = std::filesystem;

FolderFiles find_files(const fs::path& folder) {
  KIN_CHECK(fs::exists(folder), "dataset ", folder, ": no such folder");
  KIN_CHECK(fs::is_directory(folder), "dataset ", folder, ": expected a folder, found a file");
  FolderFiles found;
  try {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      (image_format(entry.path()) ? found.images : found.others).push_back(entry.path().lexically_relative(folder));
    }
  } catch (const fs::filesystem_error& e) {
    fail("dataset ", folder, ": ", e.what());
  }
  std::sort(found.images.begin(), found.images.end());
  std::sort(found.others.begin(), found.others.end());
  KIN_CHECK(!found.images.empty(), "dataset ", folder, ": expected images (", formats_read(), "), found ",
            found.others.empty() ? "an empty folder" : text("only ", found.others.size(), " other files, such as ", found.others.front()));
  return found;
}

std::vector<std::string> people_in(const fs::path& folder, const std::vector<fs::path>& files, const fs::path& index) {
  const std::map<fs::path, std::string> known = read_face_index(index);
  const fs::path root = fs::canonical(folder);
  std::vector<std::string> people;
  for (const fs::path& file : files) {
    const auto it = known.find((root / file).lexically_normal());
    people.push_back(it == known.end() ? "" : it->second);
  }
  KIN_CHECK(std::any_of(people.begin(), people.end(), [](const std::string& p) { return !p.empty(); }), "dataset ", folder, ": the index ",
            index, " names none of its ", files.size(), " images");
  return people;
}

FolderDataset::FolderDataset(const fs::path& folder, const PictureOptions& options) : folder_(folder), size_(options.size) {
  check(options, folder);
  FolderFiles found = find_files(folder);
  skipped_ = std::move(found.others);
  std::vector<std::string> people(found.images.size());
  if (!options.index.empty()) people = people_in(folder, found.images, options.index);
  const auto person = [&](int64_t i) { return people[size_t(i)].empty() ? found.images[size_t(i)].generic_string() : people[size_t(i)]; };
  for (const int64_t i : pictures_of_part(options, folder, int64_t(found.images.size()), person)) files_.push_back(found.images[size_t(i)]);
}

Sample FolderDataset::get(uint64_t, int64_t index) const {
  check_index("folder dataset", index, size());
  const fs::path& file = files_[size_t(index)];
  return {fit_square(read_image(folder_ / file), size_), {}, file.generic_string()};
}

std::string FolderDataset::listing() const {
  std::string lines;
  for (const fs::path& file : files_) lines += text(file.generic_string(), " ", fs::file_size(folder_ / file), "\n");
  return lines;
}

}  // namespace kintsugi
