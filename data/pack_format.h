// How a pack lies on the disk. Numbers are little-endian; pictures stand one behind the other, each on a multiple of 64 bytes, with zeros
// between; then the index, then the trailer that says where the index is, so that a pack is written from front to back.
//
//   header (64 bytes) | picture 0 | picture 1 | ... | index: one PackRecord per picture, then name and identity of each | trailer (64 bytes)
#pragma once
#include <bit>
#include <cstdint>

namespace kintsugi {

/// How a pack stores its pictures: as the files they were, or as RGB bytes of one size.
enum class PackStorage : uint32_t { encoded = 0, rgb8 = 1 };

namespace pack_format {

static_assert(std::endian::native == std::endian::little, "packs are read in place");

inline constexpr uint32_t kVersion = 1;
inline constexpr uint64_t kAlignment = 64;
inline constexpr char kMagic[8] = {'\x89', 'K', 'I', 'N', 'P', '\r', '\n', '\x1a'};  // a transfer as text changes it, as with PNG
inline constexpr char kEnd[8] = {'K', 'I', 'N', 'P', 'E', 'N', 'D', '\n'};

struct Header {
  char magic[8];
  uint32_t version;
  PackStorage storage;
  uint32_t side;      // of every picture with rgb8, else 0
  uint32_t zero[10];
  uint32_t crc;       // of what stands before it; all checksums are CRC-32 (ISO 3309, as in PNG and zip)
};

/// One picture of the index.
struct Record {
  uint64_t offset, bytes;  // from the file's begin
  uint32_t h, w;           // as the picture decodes, upright
  uint32_t crc;            // of its bytes
  uint32_t name_bytes, identity_bytes;
  uint32_t zero;
};

struct Trailer {
  uint64_t index_offset, index_bytes, count;
  uint32_t index_crc;
  uint32_t zero[6];
  char end[8];
  uint32_t crc;  // of what stands before it
};

static_assert(sizeof(Header) == 64 && sizeof(Record) == 40 && sizeof(Trailer) == 64);

constexpr uint64_t aligned(uint64_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace pack_format
}  // namespace kintsugi
