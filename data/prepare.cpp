#include "data/prepare.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>

#include "data/folder_dataset.h"
#include "data/image_file.h"
#include "data/pack.h"
#include "data/resize.h"
#include "kernels/base/error.h"
#include "kernels/base/parallel.h"
#include "tensor/sha256.h"

namespace kintsugi {
namespace fs = std::filesystem;
namespace {

// One picture's bytes, and the picture when there was reason to decode it.
struct Read {
  std::vector<uint8_t> owned;
  Bytes file;
  Image image;
  std::string format;
};

// What a folder and a pack have in common.
class Source {
 public:
  virtual ~Source() = default;
  virtual Read read(int64_t i) const = 0;
  std::vector<PictureFacts> pictures;  // names and identities
  std::vector<std::string> others;
};

class FolderSource : public Source {
 public:
  FolderSource(const fs::path& folder, const fs::path& index) : folder_(folder) {
    FolderFiles found = find_files(folder);
    for (const fs::path& file : found.others)
      if (called_picture(file)) found.images.push_back(file);
      else others.push_back(file.generic_string());
    std::sort(found.images.begin(), found.images.end());
    std::vector<std::string> people(found.images.size());
    if (!index.empty()) people = people_in(folder, found.images, index);
    for (size_t i = 0; i < people.size(); ++i) pictures.push_back({.name = found.images[i].generic_string(), .identity = people[i]});
  }
  Read read(int64_t i) const override {
    const fs::path path = folder_ / pictures[size_t(i)].name;
    Read r{read_bytes(path), {}, {}, {}};
    r.file = r.owned;
    if (const auto format = photo_format(r.file)) r.format = kintsugi::name_of(*format);
    r.image = decode_image(r.file, path.string());
    return r;
  }

 private:
  fs::path folder_;
};

class PackSource : public Source {
 public:
  explicit PackSource(const fs::path& path) : pack_(path) {
    for (int64_t i = 0; i < pack_.size(); ++i)
      pictures.push_back({.name = std::string(pack_.entry(i).name), .identity = std::string(pack_.entry(i).identity)});
  }
  Read read(int64_t i) const override {
    Read r{{}, pack_.bytes(i), {}, "RGB"};
    if (pack_.storage() == PackStorage::encoded)
      if (const auto format = photo_format(r.file)) r.format = kintsugi::name_of(*format);
    r.image = pack_.picture(i);
    return r;
  }
  const Pack& pack() const { return pack_; }

 private:
  Pack pack_;
};

std::unique_ptr<Source> open_source(const PrepareOptions& o) {
  std::error_code absent;
  if (fs::is_directory(o.source, absent) || !fs::exists(o.source, absent)) return std::make_unique<FolderSource>(o.source, o.index);
  KIN_CHECK(o.index.empty(), o.source.string(), ": a pack says itself who is in its pictures; leave out the index ", o.index);
  auto source = std::make_unique<PackSource>(o.source);
  KIN_CHECK(o.out.empty() || o.size > 0 || source->pack().storage() == PackStorage::encoded, o.source.string(),
            ": its pictures are RGB already, and can be packed anew at another size only (--size)");
  return source;
}

// What the pack gets of one picture.
struct Stored {
  Bytes bytes() const { return rgb.pixels.empty() ? read.file : Bytes(rgb.pixels); }
  Read read;
  ByteImage rgb;
};

Stored examine(const Source& source, int64_t i, const PrepareOptions& o, PictureFacts& facts) {
  Stored s;
  try {
    s.read = source.read(i);
    facts.format = s.read.format;
    facts.bytes = s.read.file.size();
    facts.h = s.read.image.h, facts.w = s.read.image.w;
    facts.sha256 = sha256_of(s.read.file);
    if (o.size > 0 && !o.out.empty()) s.rgb = to_bytes(fit_square(std::move(s.read.image), o.size));
  } catch (const Error& e) {
    facts.error = e.what();
  }
  s.read.image = {};
  return s;
}

void put(PackWriter& pack, const PictureFacts& facts, const Stored& stored, int size) {
  pack.add(facts.name, facts.identity, size ? size : facts.h, size ? size : facts.w, stored.bytes());
}

}  // namespace

PrepareReport prepare(const PrepareOptions& o) {
  KIN_CHECK(o.size >= 0, "prepare: size must not be negative, got ", o.size);
  const std::unique_ptr<Source> source = open_source(o);
  PrepareReport report{source->pictures, source->others};
  std::optional<PackWriter> pack;
  if (!o.out.empty()) pack.emplace(o.out, o.size > 0 ? PackStorage::rgb8 : PackStorage::encoded, o.size);
  std::unordered_map<std::string, int64_t> first_with;
  const auto all = int64_t(report.pictures.size());
  const int64_t at_once = 4 * threads();  // pictures held in memory
  for (int64_t begin = 0; begin < all; begin += at_once) {
    if (o.progress && !o.progress(begin, all)) return report.stopped = true, report;
    const int64_t count = std::min(at_once, all - begin);
    std::vector<Stored> stored(static_cast<size_t>(count));
    parallel_for(count, 1, [&](int64_t first, int64_t last) {
      for (int64_t k = first; k < last; ++k) stored[size_t(k)] = examine(*source, begin + k, o, report.pictures[size_t(begin + k)]);
    });
    for (int64_t k = 0; k < count; ++k) {
      PictureFacts& facts = report.pictures[size_t(begin + k)];
      if (!facts.error.empty()) continue;
      const auto [first, fresh] = first_with.emplace(facts.sha256, begin + k);
      if (!fresh) facts.same_as = first->second;
      if (!pack || (o.unique && !fresh)) continue;
      put(*pack, facts, stored[size_t(k)], o.size);
      ++report.packed;
    }
  }
  if (o.progress && !o.progress(all, all)) return report.stopped = true, report;
  if (pack) {
    KIN_CHECK(report.packed > 0, o.source.string(), ": none of its ", all, " pictures can be read, such as ", report.pictures.front().error);
    report.pack_bytes = pack->commit();
  }
  return report;
}

}  // namespace kintsugi
