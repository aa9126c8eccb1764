#include "data/picture_source.h"

#include "data/codec.h"
#include "data/face_index.h"
#include "data/folder_dataset.h"
#include "data/pack_dataset.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace fs = std::filesystem;

std::shared_ptr<const PictureDataset> open_pictures(const fs::path& path, const PictureOptions& options) {
  std::error_code absent;
  if (fs::is_directory(path, absent) || !fs::exists(path, absent)) return std::make_shared<FolderDataset>(path, options);
  const std::vector<uint8_t> head = read_bytes(path, 512);
  KIN_CHECK(is_pack(head), "dataset ", path, ": expected a folder of pictures or a pack (kintsugi prepare), found ", describe_content(head));
  return std::make_shared<PackDataset>(path, options);
}

void check(const PictureOptions& options, const fs::path& source) {
  KIN_CHECK(options.size > 0, "dataset ", source, ": size must be positive, got ", options.size);
  KIN_CHECK(options.holdout >= 0 && options.holdout <= 1, "dataset ", source, ": holdout must be in [0,1], got ", options.holdout);
}

std::vector<int64_t> pictures_of_part(const PictureOptions& options, const fs::path& source, int64_t count,
                                      const std::function<std::string(int64_t)>& person) {
  using Part = PictureOptions::Part;
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < count; ++i)
    if (options.part == Part::all || is_held_out(person(i), options.holdout) == (options.part == Part::held_out)) kept.push_back(i);
  KIN_CHECK(!kept.empty(), "dataset ", source, ": none of the ", count, " images falls into the ",
            options.part == Part::train ? "training" : "held-out", " part (holdout ", options.holdout, ")");
  return kept;
}

}  // namespace kintsugi
