// Memory behind tensors: the arena, what the allocator keeps, content that comes from elsewhere, parts of mapped files.
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>

#include "tensor/arena.h"
#include "tensor/mapped_file.h"
#include "tensor/safetensors.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;

namespace {

constexpr size_t kMiB = size_t(1) << 20;

// Counts what is asked of it.
struct Counts {
  int brought = 0, let_go = 0;
};
class Sevens final : public Origin {
 public:
  explicit Sevens(Counts& counts) : counts_(counts) {}
  void* bring() override {
    ++counts_.brought;
    std::fill(std::begin(values_), std::end(values_), 7.0f);
    return values_;
  }
  void let_go(void*) override {
    ++counts_.let_go;
    std::fill(std::begin(values_), std::end(values_), 0.0f);
  }

 private:
  Counts& counts_;
  float values_[4] = {};
};

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("arena: growing for a large block gives back what lies free in pieces too small") {
  Arena arena(256 * kMiB);
  char* a = static_cast<char*>(arena.take(8 * kMiB));
  arena.take(kMiB);
  a[5] = 1;
  arena.give(a);
  arena.take(9 * kMiB);
  CHECK(arena.cached() == 0);
  CHECK(static_cast<char*>(arena.take(8 * kMiB)) == a);
  CHECK(a[5] == 0);
  a[5] = 1;
  arena.give(a);
  for (int i = 0; i < 9; ++i) arena.take(kMiB);  // eight are cut from it, the ninth finds nothing
  CHECK(a[5] == 1);
}

TEST_CASE("arena: what blocks leave serves blocks of other sizes") {
  Arena arena(256 * kMiB);
  char* a = static_cast<char*>(arena.take(8 * kMiB));
  char* b = static_cast<char*>(arena.take(8 * kMiB));
  char* c = static_cast<char*>(arena.take(4 * kMiB));
  REQUIRE((a && b && c));
  CHECK((arena.owns(a) && arena.owns(c) && !arena.owns(&arena)));
  std::memset(a, 1, 8 * kMiB);
  std::memset(b, 2, 8 * kMiB);
  arena.give(a);
  arena.give(b);
  CHECK(arena.cached() == 16 * kMiB);
  CHECK(arena.take(16 * kMiB) == a);  // two that lay side by side are one
  CHECK(arena.cached() == 0);
  arena.give(a);
  CHECK(arena.take(3 * kMiB) == a);  // and are cut again
  CHECK(arena.take(13 * kMiB) == a + 3 * kMiB);
  arena.give(c);
  CHECK(arena.take(32 * kMiB) == c);  // the last one grows
  arena.give(c);
  arena.trim();
  CHECK(arena.cached() == 0);
  CHECK(static_cast<char*>(arena.take(4 * kMiB))[5] == 0);  // given back to the system
  CHECK(arena.take(512 * kMiB) == nullptr);
}

TEST_CASE("allocator: holds no more than was alive at once, whatever the sizes") {
  release_allocator_cache();
  CHECK(allocator_stats().cached_bytes == 0);
#ifndef KIN_SANITIZE
  const AllocatorStats before = allocator_stats();
  for (int64_t mib = 16; mib >= 1; --mib) {  // a shrinking series: blocks kept by size would add up to 136 MiB
    const Tensor t({mib * int64_t(kMiB) / 4});
    std::memset(t.raw(), 1, t.bytes());
  }
  const AllocatorStats after = allocator_stats();
  CHECK(after.live_bytes == before.live_bytes);
  CHECK(after.cached_bytes >= kMiB);
  CHECK(after.cached_bytes <= 16 * kMiB);
  release_allocator_cache();
  CHECK(allocator_stats().cached_bytes == 0);
#endif
}

TEST_CASE("storage: content from an origin comes when asked for, goes on release unless changed") {
  Counts counts;
  {
    Tensor t = Tensor::from(std::make_unique<Sevens>(counts), {2, 2}, DType::f32);
    CHECK(t.shape() == Shape{2, 2});
    CHECK(counts.brought == 0);
    CHECK(t.item(3) == 7);
    CHECK(t.rows(1, 2).item(0) == 7);
    CHECK(counts.brought == 1);
    t.release();
    t.release();
    CHECK(counts.let_go == 1);
    CHECK(t.item(0) == 7);
    CHECK(counts.brought == 2);
    t.fill_(3);
    t.release();  // nobody could bring the threes again
    CHECK(t.item(0) == 3);
  }
  CHECK(counts.let_go == 2);
}

TEST_CASE("mapped file: a tensor in it outlives the reader, and writing to it leaves the file alone") {
  Scratch scratch;
  const auto path = scratch / "a.safetensors";
  write_safetensors(path, {{"v", Tensor::of<float>({4}, {1, 2, 3, 4})}, {"i", Tensor::of<int64_t>({2}, {5, 6})}});
  const std::string before = content(path);
  Tensor v, i;
  {
    const SafetensorsFile file(path);
    v = file.mapped("v");
    i = file.mapped("i");
  }
  REQUIRE((v && i));
  CHECK(v.item(3) == 4);
  CHECK((i.dtype() == DType::i64 && i.item(1) == 6));
  v.release();
  CHECK(v.item(3) == 4);
  v.fill_(9);
  CHECK(v.item(0) == 9);
  CHECK(content(path) == before);
}

TEST_CASE("mapped file: no tensor where types or alignment differ") {
  Scratch scratch;
  const auto path = scratch / "odd.safetensors";
  std::string header = R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"h":{"dtype":"F16","shape":[1],"data_offsets":[5,7]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // data begins on 8 bytes, so that the float is off by one
  std::ofstream out(path, std::ios::binary);
  const uint64_t length = header.size();
  out.write(reinterpret_cast<const char*>(&length), 8) << header;
  out.write("\1\0\0\200?\0<", 7);
  out.close();
  const SafetensorsFile file(path);
  CHECK(file.mapped("b").item() == 1);
  CHECK(!file.mapped("f"));
  CHECK(!file.mapped("h"));
  CHECK(file.read("f").item() == 1);
  CHECK(file.read("h").item() == 1);
}
