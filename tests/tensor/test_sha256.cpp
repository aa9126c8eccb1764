// The examples of FIPS 180-4 and lengths around a block's end.
#include <doctest/doctest.h>

#include <fstream>

#include "kernels/base/error.h"
#include "tensor/sha256.h"
#include "tests/harness/scratch.h"

using namespace kintsugi;

TEST_CASE("sha256: published examples") {
  CHECK(sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_of(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256: pieces and a file give what one block gives") {
  const std::string s(200, 'x');
  for (size_t n : {54, 55, 56, 63, 64, 65, 119, 120, 128, 200}) {
    Sha256 hash;
    for (size_t at = 0; at < n; at += 7) hash.add(s.data() + at, std::min<size_t>(7, n - at));
    CHECK(hash.hex() == sha256_of(s.substr(0, n)));
  }
  const Scratch folder;
  std::ofstream(folder / "file", std::ios::binary) << s;
  CHECK(sha256_of_file(folder / "file") == sha256_of(s));
  CHECK_THROWS_WITH_AS(sha256_of_file(folder / "absent"), doctest::Contains("No such file"), Error);
}
