// Writes the seed corpus: one folder per target below the folder given.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "data/image_file.h"
#include "tests/data/crafted_photos.h"
#include "tests/data/packs.h"
#include "tensor/safetensors.h"
#include "tests/nn/pth_writer.h"

using namespace kintsugi;
using namespace kintsugi::testing;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Photographs that carry everything there is to carry, in each format.
void write_photos(const fs::path& to) {
  Photo photo;
  photo.colour = quantised(Image(6, 9, 3, 0.5f), 16);
  photo.tags.exif = exif_block(6);
  photo.tags.xmp = "<a tiff:Orientation=\"6\"/>";
  photo.tags.density = {72, 72, Density::per_inch};
  photo.tags.icc = display_p3();
  write_photo(to / "tags.png", photo);
  write_photo(to / "tags.jpg", photo);
  photo.alpha = quantised(Image(6, 9, 1, 0.3f), 16);
  write_photo(to / "alpha.png", photo);
  if (has_webp()) {
    write_photo(to / "lossy.webp", photo);
    photo.tags.lossless = true;
    write_photo(to / "lossless.webp", photo);
  }
  photo.colour = quantised(Image(6, 9, 1, 0.5f), 8);
  photo.alpha = {};
  photo.tags.icc = grey_profile(1.8);
  write_photo(to / "grey.jpg", photo);
}

void write_seeds(const fs::path& to) {
  for (const char* target : {"zip", "pickle", "pth", "safetensors", "recipe", "image", "exif", "pack"}) fs::create_directories(to / target);
  write(to / "zip" / "small", small_zip());
  write(to / "zip" / "wide", zip({{"a/data.pkl", "x", 0, true}, {"a/data/0", "yz", 0, true}}, true));
  for (const bool legacy : {false, true}) write(to / "pickle" / (legacy ? "legacy" : "zip"), pickle::whole(small_object(legacy)));
  write(to / "pickle" / "evil", pickle::whole(pickle::call(pickle::global("posix", "system"), {pickle::string("x")})));
  write(to / "pth" / "zip", small_zip());
  write(to / "pth" / "legacy", small_legacy());
  write_safetensors(to / "safetensors" / "small", {{"w", Tensor::full({2, 3}, 1)}, {"n", Tensor::full({}, 7, DType::i64)}},
                    {{"kind", "test"}});
  for (const auto& recipe : fs::recursive_directory_iterator(fs::path(KIN_SOURCE_DIR) / "apps" / "recipes"))
    if (recipe.path().extension() == ".toml")
      fs::copy_file(recipe.path(), to / "recipe" / recipe.path().filename(), fs::copy_options::overwrite_existing);
  for (const int channels : {1, 3}) {
    Image image(8, 12, channels);
    for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = float(i % 17) / 17;
    for (const char* ending : {".png", ".jpg"}) write_image(to / "image" / ("c" + std::to_string(channels) + ending), image);
  }
  for (const int orientation : {1, 6, 8})
    for (const bool big_endian : {false, true})
      write(to / "exif" / (std::to_string(orientation) + (big_endian ? "big" : "little")), as_text(exif_block(orientation, big_endian, 8)));
  for (const PackStorage storage : {PackStorage::encoded, PackStorage::rgb8})
    write(to / "pack" / (storage == PackStorage::rgb8 ? "rgb" : "files"), as_text(small_pack(storage)));
  write_photos(to / "image");
  write(to / "image" / "grey.pgm", "P5 2 2 255\nabcd");
  write(to / "image" / "one.bmp", std::string("BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0", 30) +
                                      std::string(24, '\0') + std::string("abc\0", 4));
  write(to / "image" / "one.tga", std::string("\0\0\2\0\0\0\0\0\0\0\0\0\1\0\1\0\x18\x20"
                                              "abc",
                                              21));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: kintsugi_fuzz_seeds FOLDER\n");
    return 2;
  }
  write_seeds(argv[1]);
}
