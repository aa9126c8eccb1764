#include "data/pack.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "data/codec.h"
#include "data/image_file.h"
#include "kernels/base/error.h"

namespace kintsugi {

using namespace pack_format;

namespace {

template <class T>
T take(Bytes file, uint64_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

/// Header and trailer end in the checksum of the rest of them.
template <class T>
bool whole(const T& part) {
  return part.crc == crc32_of({reinterpret_cast<const uint8_t*>(&part), sizeof part - sizeof part.crc}) &&
         std::all_of(std::begin(part.zero), std::end(part.zero), [](uint32_t z) { return z == 0; });
}

}  // namespace

bool is_pack(Bytes head) { return head.size() >= sizeof kMagic && std::memcmp(head.data(), kMagic, sizeof kMagic) == 0; }

uint32_t crc32_of(Bytes bytes) { return uint32_t(crc32_z(crc32_z(0, nullptr, 0), bytes.data(), bytes.size())); }

Pack::Pack(const std::filesystem::path& path) : name_(path.string()), mapped_(std::in_place, path.string()) { parse(mapped_->bytes()); }

Pack::Pack(Bytes file, std::string name) : name_(std::move(name)) { parse(file); }

void Pack::parse(Bytes file) {
  KIN_CHECK(is_pack(file), name_, ": expected a pack, found ", describe_content(file));
  KIN_CHECK(file.size() >= sizeof(Header) + sizeof(Trailer), name_, ": the pack is cut off: ", file.size(), " bytes are less than header and trailer");
  const auto header = take<Header>(file, 0);
  KIN_CHECK(header.version == kVersion, name_, ": the pack has version ", header.version, ", this program reads version ", kVersion);
  KIN_CHECK(whole(header), name_, ": the pack's header is damaged (checksum)");
  KIN_CHECK(header.storage == PackStorage::encoded || header.storage == PackStorage::rgb8, name_, ": the pack stores pictures in way ",
            uint32_t(header.storage), ", expected 0 (files) or 1 (RGB)");
  KIN_CHECK((header.storage == PackStorage::rgb8) == (header.side > 0), name_, ": the pack's header says a side of ", header.side, " for ",
            header.storage == PackStorage::rgb8 ? "RGB pictures" : "files");
  if (header.side) check_image_size(header.side, header.side, name_);
  storage_ = header.storage;
  side_ = int(header.side);

  const uint64_t end = file.size() - sizeof(Trailer);
  const auto trailer = take<Trailer>(file, end);
  KIN_CHECK(std::memcmp(trailer.end, kEnd, sizeof kEnd) == 0, name_, ": the pack is cut off: it does not end in a trailer");
  KIN_CHECK(whole(trailer), name_, ": the pack's trailer is damaged (checksum)");
  KIN_CHECK(trailer.index_offset >= sizeof(Header) && trailer.index_offset <= end && trailer.index_bytes == end - trailer.index_offset, name_,
            ": the pack's index must fill the bytes up to the trailer at ", end, ", got ", trailer.index_bytes, " bytes at ", trailer.index_offset);
  KIN_CHECK(trailer.count > 0 && trailer.count <= trailer.index_bytes / sizeof(Record), name_, ": an index of ", trailer.index_bytes,
            " bytes cannot list ", trailer.count, " pictures");
  const Bytes index = file.subspan(trailer.index_offset, trailer.index_bytes);
  KIN_CHECK(crc32_of(index) == trailer.index_crc, name_, ": the pack's index is damaged (checksum)");

  entries_.reserve(trailer.count);
  parse_index(index, trailer.count);
  // Pictures follow each other without holes, so that no byte belongs to two of them.
  uint64_t expected = sizeof(Header);
  for (size_t i = 0; i < entries_.size(); ++i) {
    const auto r = take<Record>(index, i * sizeof(Record));
    KIN_CHECK(r.offset == expected && r.bytes > 0 && r.bytes <= trailer.index_offset - r.offset, name_of(int64_t(i)), ": must lie at ", expected,
              " and end before the index at ", trailer.index_offset, ", got ", r.bytes, " bytes at ", r.offset);
    entries_[i].bytes = file.subspan(r.offset, r.bytes);
    expected = aligned(r.offset + r.bytes);
    KIN_CHECK(expected <= trailer.index_offset, name_of(int64_t(i)), ": runs into the index");
  }
  KIN_CHECK(expected == trailer.index_offset, name_, ": pictures end at ", expected, ", the pack's index begins at ", trailer.index_offset);
  checked_ = std::vector<std::atomic<bool>>(entries_.size());
}

void Pack::parse_index(Bytes index, uint64_t count) {
  uint64_t at = count * sizeof(Record);
  const auto word = [&](uint32_t bytes, size_t i) {
    KIN_CHECK(bytes <= index.size() - at, name_, ": the names in the pack's index are cut off at picture ", i);
    const std::string_view w(reinterpret_cast<const char*>(index.data()) + at, bytes);
    at += bytes;
    return w;
  };
  std::unordered_set<std::string_view> names;
  for (size_t i = 0; i < count; ++i) {
    const auto r = take<Record>(index, i * sizeof(Record));
    const std::string_view name = word(r.name_bytes, i), identity = word(r.identity_bytes, i);
    KIN_CHECK(!name.empty() && names.insert(name).second && r.zero == 0, name_, ": picture ", i, " must have a name of its own, got '", name, "'");
    check_image_size(r.w, r.h, text(name_, ": ", name));
    if (storage_ == PackStorage::rgb8)
      KIN_CHECK(int(r.h) == side_ && int(r.w) == side_ && r.bytes == uint64_t(side_) * uint64_t(side_) * 3, name_, ": ", name, ": must be ", side_, "x",
                side_, " in ", uint64_t(side_) * uint64_t(side_) * 3, " bytes, got ", r.h, "x", r.w, " in ", r.bytes);
    entries_.push_back({name, identity, int(r.h), int(r.w), r.crc, {}});
  }
  KIN_CHECK(at == index.size(), name_, ": the pack's index has ", index.size() - at, " bytes too many");
}

std::string Pack::name_of(int64_t i) const { return text(name_, ": ", entry(i).name); }

Bytes Pack::bytes(int64_t i) const {
  const Entry& e = entry(i);
  std::atomic<bool>& checked = checked_[size_t(i)];
  if (!checked.load(std::memory_order_relaxed)) {
    KIN_CHECK(crc32_of(e.bytes) == e.crc, name_of(i), ": the picture is damaged (checksum)");
    checked.store(true, std::memory_order_relaxed);
  }
  return e.bytes;
}

Image Pack::picture(int64_t i) const {
  const Entry& e = entry(i);
  const Bytes stored = bytes(i);
  if (storage_ == PackStorage::rgb8) {
    Image image(e.h, e.w);
    std::transform(stored.begin(), stored.end(), image.pixels.begin(), [](uint8_t k) { return float(k) / 255.0f; });
    return image;
  }
  Image image = decode_image(stored, name_of(i));
  KIN_CHECK(image.h == e.h && image.w == e.w, name_of(i), ": the pack says ", e.h, "x", e.w, ", the picture is ", image.h, "x", image.w);
  return image;
}

PackWriter::PackWriter(const std::filesystem::path& target, PackStorage storage, int side)
    : name_(target.string()), file_(target), storage_(storage), side_(side) {
  KIN_CHECK((storage == PackStorage::rgb8) == (side > 0), name_, ": a pack of ", storage == PackStorage::rgb8 ? "RGB pictures needs a side" : "files has no side",
            ", got ", side);
  Header header{{}, kVersion, storage, uint32_t(side), {}, 0};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.crc = crc32_of({reinterpret_cast<const uint8_t*>(&header), sizeof header - sizeof header.crc});
  write(&header, sizeof header);
}

void PackWriter::write(const void* data, size_t bytes) {
  file_.write(data, bytes);
  position_ += bytes;
}

void PackWriter::align() {
  constexpr uint8_t zeros[kAlignment] = {};
  write(zeros, aligned(position_) - position_);
}

void PackWriter::add(const std::string& name, const std::string& identity, int h, int w, Bytes bytes) {
  KIN_CHECK(!name.empty(), name_, ": a picture needs a name");
  check_image_size(uint64_t(w), uint64_t(h), name);
  KIN_CHECK(!bytes.empty() && (storage_ == PackStorage::encoded || (h == side_ && w == side_ && bytes.size() == size_t(h) * size_t(w) * 3)), name_, ": ", name,
            ": ", bytes.size(), " bytes of ", h, "x", w, " do not fit a pack of side ", side_);
  align();
  records_.push_back({position_, bytes.size(), uint32_t(h), uint32_t(w), crc32_of(bytes), uint32_t(name.size()), uint32_t(identity.size()), 0});
  names_.push_back(name);
  identities_.push_back(identity);
  write(bytes.data(), bytes.size());
}

uint64_t PackWriter::commit() {
  KIN_CHECK(!records_.empty(), name_, ": a pack needs at least one picture");
  KIN_CHECK(std::unordered_set<std::string_view>(names_.begin(), names_.end()).size() == names_.size(), name_, ": two pictures have one name");
  align();
  std::vector<uint8_t> index(records_.size() * sizeof(Record));
  std::memcpy(index.data(), records_.data(), index.size());
  for (size_t i = 0; i < names_.size(); ++i) {
    index.insert(index.end(), names_[i].begin(), names_[i].end());
    index.insert(index.end(), identities_[i].begin(), identities_[i].end());
  }
  Trailer trailer{position_, index.size(), records_.size(), crc32_of(index), {}, {}, 0};
  std::memcpy(trailer.end, kEnd, sizeof kEnd);
  trailer.crc = crc32_of({reinterpret_cast<const uint8_t*>(&trailer), sizeof trailer - sizeof trailer.crc});
  write(index.data(), index.size());
  write(&trailer, sizeof trailer);
  file_.commit();
  return position_;
}

}  // namespace kintsugi
