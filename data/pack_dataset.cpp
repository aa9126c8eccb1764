#include "data/pack_dataset.h"

#include "data/resize.h"
#include "kernels/base/error.h"

namespace kintsugi {

PackDataset::PackDataset(const std::filesystem::path& path, const PictureOptions& options) : pack_(path), size_(options.size) {
  check(options, path);
  KIN_CHECK(options.index.empty(), "dataset ", path, ": a pack says itself who is in its pictures (kintsugi prepare --index); leave out the index ",
            options.index);
  kept_ = pictures_of_part(options, path, pack_.size(), [&](int64_t i) {
    const Pack::Entry& e = pack_.entry(i);
    return std::string(e.identity.empty() ? e.name : e.identity);
  });
}

Sample PackDataset::get(uint64_t, int64_t index) const {
  check_index("pack dataset", index, size());
  const int64_t i = kept_[size_t(index)];
  return {fit_square(pack_.picture(i), size_), {}, std::string(pack_.entry(i).name)};
}

std::string PackDataset::listing() const {
  std::string lines;
  for (const int64_t i : kept_) lines += text(pack_.entry(i).name, " ", pack_.entry(i).crc, "\n");
  return lines;
}

}  // namespace kintsugi
