// Packs of a few tiny pictures in memory, for tests and fuzzing.
#pragma once
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "data/codec.h"
#include "data/pack.h"

namespace kintsugi::testing {

/// The parts of a whole pack, to be changed and put together with right checksums and the right length of the index.
struct PackParts {
  pack_format::Header header;
  std::vector<uint8_t> pictures;
  std::vector<pack_format::Record> records;
  std::string words;  // names and identities
  pack_format::Trailer trailer;

  /// Of a pack that Pack takes.
  explicit PackParts(Bytes pack) {
    std::memcpy(&header, pack.data(), sizeof header);
    std::memcpy(&trailer, pack.data() + pack.size() - sizeof trailer, sizeof trailer);
    pictures.assign(pack.begin() + sizeof header, pack.begin() + std::ptrdiff_t(trailer.index_offset));
    records.resize(trailer.count);
    std::memcpy(records.data(), pack.data() + trailer.index_offset, records.size() * sizeof records[0]);
    const size_t begin = trailer.index_offset + records.size() * sizeof records[0];
    words.assign(pack.begin() + std::ptrdiff_t(begin), pack.end() - sizeof trailer);
  }

  std::vector<uint8_t> sealed() const {
    std::vector<uint8_t> out;
    const auto append = [&](const void* data, size_t bytes) {
      out.insert(out.end(), static_cast<const uint8_t*>(data), static_cast<const uint8_t*>(data) + bytes);
    };
    append(&header, sizeof header);
    append(pictures.data(), pictures.size());
    append(records.data(), records.size() * sizeof records[0]);
    append(words.data(), words.size());
    pack_format::Trailer t = trailer;
    t.index_bytes = records.size() * sizeof records[0] + words.size();
    append(&t, sizeof t);
    seal(out);
    return out;
  }

  /// Puts right checksums where a pack has them, as far as its index can be found.
  static void seal(std::vector<uint8_t>& pack) {
    using namespace pack_format;
    if (pack.size() < sizeof(Header) + sizeof(Trailer)) return;
    const size_t end = pack.size() - sizeof(Trailer);
    Trailer t;
    std::memcpy(&t, pack.data() + end, sizeof t);
    if (t.index_offset <= end && t.index_bytes <= end - t.index_offset) {
      uint8_t* index = pack.data() + t.index_offset;
      for (uint64_t i = 0; i < t.count && (i + 1) * sizeof(Record) <= t.index_bytes; ++i) {
        Record r;
        std::memcpy(&r, index + i * sizeof r, sizeof r);
        if (r.offset > end || r.bytes > end - r.offset) continue;
        r.crc = crc32_of({pack.data() + r.offset, size_t(r.bytes)});
        std::memcpy(index + i * sizeof r, &r, sizeof r);
      }
      t.index_crc = crc32_of({index, size_t(t.index_bytes)});
      std::memcpy(pack.data() + end, &t, sizeof t);
    }
    seal_part<Header>(pack.data());
    seal_part<Trailer>(pack.data() + end);
  }

 private:
  template <class T>
  static void seal_part(uint8_t* at) {
    T part;
    std::memcpy(&part, at, sizeof part);
    part.crc = crc32_of({at, sizeof part - sizeof part.crc});
    std::memcpy(at, &part, sizeof part);
  }
};

/// Two pictures: "one" of ann and "two" of bob.
inline std::vector<uint8_t> small_pack(PackStorage storage) {
  static int made = 0;
  const auto path = std::filesystem::temp_directory_path() / ("kintsugi-small-" + std::to_string(::getpid()) + "-" + std::to_string(made++) + ".pack");
  const bool rgb = storage == PackStorage::rgb8;
  PackWriter writer(path, storage, rgb ? 4 : 0);
  for (const bool second : {false, true}) {
    ByteImage image{4, 4, 3, std::vector<uint8_t>(48)};
    for (size_t i = 0; i < 48; ++i) image.pixels[i] = uint8_t(i * 5 + second);
    const std::vector<uint8_t> bytes = rgb ? image.pixels : encode_png(image);
    writer.add(second ? "two" : "one", second ? "bob" : "ann", 4, 4, bytes);
  }
  writer.commit();
  const std::vector<uint8_t> pack = read_bytes(path);
  std::filesystem::remove(path);
  return pack;
}

}  // namespace kintsugi::testing
