#include <doctest/doctest.h>

#include "data/label.h"
#include "kernels/base/error.h"

using namespace kintsugi;

TEST_CASE("label: letters are ink on white, of the size that is promised") {
  const Image one = text_image("1");
  CHECK(one.h == 7);
  CHECK(one.w == 5);
  const std::string drawn = [&] {
    std::string s;
    for (int y = 0; y < one.h; ++y)
      for (int x = 0; x < one.w; ++x) s += one.at(y, x)[0] == 0 ? '#' : '.';
    return s;
  }();
  CHECK(drawn == "..#.." ".##.." "..#.." "..#.." "..#.." "..#.." ".###.");
  const Image big = text_image("w=1", 3, 1);
  CHECK(big.h == 21);
  CHECK(big.w == 3 * 17);
  CHECK(text_image("?").pixels == Image(7, 5, 3, 1.0f).pixels);
  CHECK(text_image("A").pixels == text_image("a").pixels);
  CHECK_THROWS_WITH_AS(text_image("a", 0), doctest::Contains("scale must be at least 1, got 0"), Error);
}

TEST_CASE("label: pictures side by side under their words") {
  const Image picture(10, 100, 3, 0.5f);
  const Image row = labelled_row({{"a", picture}, {"b2", picture}}, 4);
  CHECK(row.w == 204);
  CHECK(row.h == 10 + 9 * 4);  // the longest label takes half of a column: 2 letters of 6 * 4 pixels
  CHECK(row.at(row.h - 1, 0)[0] == 0.5f);
  CHECK(row.at(row.h - 1, 101)[0] == 1.0f);
  CHECK(row.at(row.h - 1, 203)[0] == 0.5f);
  CHECK_THROWS_WITH_AS(labelled_row({{"a", picture}, {"b", Image(9, 100)}}), doctest::Contains("100x9"), Error);
  CHECK_THROWS_WITH_AS(labelled_row({}), doctest::Contains("got none"), Error);
}
