#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tensor/random.h"
#include "tensor/safetensors.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

struct TempDir {
  fs::path path = fs::temp_directory_path() / ("kintsugi_safetensors_" + std::to_string(::getpid()));
  TempDir() { fs::create_directories(path); }
  ~TempDir() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

std::string write_raw(const TempDir& dir, const std::string& header, size_t data_bytes, uint64_t length) {
  const std::string path = dir / "raw.safetensors";
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), 8);
  out << header << std::string(data_bytes, '\0');
  return path;
}

}  // namespace

TEST_CASE("safetensors: what is written comes back, bit for bit") {
  TempDir dir;
  const Tensor f = random_normal({3, 4}, 0, 1, 1, "f"), d = random_normal({2, 1, 5}, 0, 1, 1, "d", 0, DType::f64);
  const Tensor i = Tensor::of<int64_t>({2}, {-7, int64_t(1) << 40}), s = Tensor::scalar(2.5), none = Tensor::zeros({0, 3});
  write_safetensors(dir / "a", {{"f", f}, {"d", d}, {"i", i}, {"s", s}, {"none", none}}, {{"kind", "test"}});
  const SafetensorsFile file(dir / "a");
  CHECK(file.metadata().at("kind") == "test");
  CHECK(file.names().size() == 5);
  for (const auto& [name, t] : {std::pair{"f", f}, {"d", d}, {"i", i}, {"s", s}, {"none", none}}) {
    const Tensor r = file.read(name);
    CHECK(r.shape() == t.shape());
    CHECK(r.dtype() == t.dtype());
    CHECK(std::memcmp(r.raw(), t.raw(), t.bytes()) == 0);
  }
  CHECK_THROWS_WITH_AS(file.read("x"), doctest::Contains("has no tensor 'x'"), Error);
  CHECK_THROWS_WITH_AS(write_safetensors(dir / "b", {{"f", f}, {"f", f}}), doctest::Contains("two tensors are named 'f'"), Error);
  CHECK(!fs::exists(dir / "b"));
}

TEST_CASE("safetensors: every lie of a header is refused") {
  TempDir dir;
  struct Lie {
    const char *header, *message;
    size_t data = 8;
  };
  const Lie lies[] = {
      {R"([1])", "not a JSON object"},
      {R"({"a":)", "not JSON"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "lacks dtype, shape or data_offsets"},
      {R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", "unknown dtype F31"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "not a whole number"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "not a whole number"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "begins at 8 and ends at 0"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "needs 12 bytes"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "overflows"},
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", "cut short"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "a hole"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "an overlap"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "the data at 8"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "occurs twice"},
      {R"({"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "is not a string"},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,2],"data_offsets":[0,8]}})", "rank 7"},
  };
  for (const Lie& lie : lies) {
    INFO(lie.header);
    const std::string path = write_raw(dir, lie.header, lie.data, std::strlen(lie.header));
    CHECK_THROWS_WITH_AS(SafetensorsFile{path}, doctest::Contains(lie.message), Error);
  }
  CHECK_THROWS_WITH_AS(SafetensorsFile{write_raw(dir, "{}", 0, uint64_t(1) << 60)}, doctest::Contains("at most 100000000"), Error);
  CHECK_THROWS_WITH_AS(SafetensorsFile{write_raw(dir, "{}", 0, 50)}, doctest::Contains("the file has 2"), Error);
  CHECK_THROWS_WITH_AS(SafetensorsFile{dir / "absent"}, doctest::Contains("cannot be read"), Error);
  CHECK_THROWS_WITH_AS(SafetensorsFile{dir.path.string()}, doctest::Contains("is not a file"), Error);
  std::ofstream(dir / "empty");
  CHECK_THROWS_WITH_AS(SafetensorsFile{dir / "empty"}, doctest::Contains("it has 0 bytes"), Error);
}
