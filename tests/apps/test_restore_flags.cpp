// kintsugi restore: w, sheets of several w, blending, batches, the report in a file, and the tasks of the published networks.
#include "data/image_file.h"
#include "tests/apps/restoring.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

constexpr int kSize = TinyNet::kSize;

Image restored(const fs::path& in, const Scratch& folder, const std::string& more = {}) {
  static int number = 0;
  const fs::path out = folder / ("restored" + std::to_string(++number) + ".png");
  const ProgramRun run = restore(in, out, more);
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  return read_image(out);
}

fs::path write_grey(const fs::path& path) {
  Image image(kSize, kSize);
  for (int i = 0; i < kSize * kSize; ++i) std::fill_n(image.pixels.data() + 3 * i, 3, float(i % 97) / 96);
  write_image(path, image);
  return path;
}

}  // namespace

TEST_CASE("restore: w reaches the network") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", kSize, kSize);
  const TinyNet net;
  for (double w : {0.0, 0.5, 1.0}) {
    CAPTURE(w);
    CHECK(restored(face, folder, "--w " + std::to_string(w)).pixels == net(read_image(face), w, true).pixels);
  }
  CHECK(restored(face, folder).pixels == restored(face, folder, "--w 0.5").pixels);
  CHECK(restored(face, folder, "--w 0").pixels != restored(face, folder, "--w 1").pixels);
}

TEST_CASE("restore: --sweep-w puts the input and the results of every w on one labelled sheet") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", kSize, kSize);
  // The column of a value stands at the same place in every sheet, so the sheet of two values holds what one value gives.
  const ProgramRun run = run_program(restore_command("--sweep-w " + quoted(face), folder / "out", "--json"));
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  CHECK(files_below(folder / "out") == std::vector<std::string>{"face_sweep.png"});
  CHECK(nlohmann::json::parse(run.out)[0]["w"] == nlohmann::json{0, 0.25, 0.5, 0.75, 1});
  const Image sheet = read_image(folder / "out/face_sweep.png");
  const int column = 6 * 8, strip = 9, gap = 4;  // "degraded" in the smallest letters is wider than the picture
  REQUIRE(sheet.h == strip + kSize);
  REQUIRE(sheet.w == 6 * (column + gap) - gap);
  const auto cell = [&](int i) {
    Image out(kSize, kSize);
    for (int y = 0; y < kSize; ++y) std::copy_n(sheet.at(strip + y, i * (column + gap) + (column - kSize) / 2), 3 * kSize, out.at(y, 0));
    return out.pixels;
  };
  CHECK(cell(0) == read_image(face).pixels);
  CHECK(cell(1) == restored(face, folder, "--w 0").pixels);
  CHECK(cell(3) == restored(face, folder, "--w 0.5").pixels);
  CHECK(cell(5) == restored(face, folder, "--w 1").pixels);
  int ink = 0;
  for (int x = 0; x < 3 * sheet.w; ++x) ink += sheet.at(4, 0)[x] == 0;
  CHECK(ink > 0);

  REQUIRE(run_program(restore_command(quoted(face) + " --sweep-w 0,0.3", folder / "two")).exit_code == 0);
  CHECK(read_image(folder / "two/face_sweep.png").w == 3 * (column + gap) - gap);
  check_refused(restore(face, folder / "x", "--sweep-w 0,1.5"), 2, {"--sweep-w must be from 0 to 1", "1.5"});
  check_refused(restore(face, folder / "x", "--sweep-w --w 0.5"), 2, {"--sweep-w", "--w", "leave one"});
  check_refused(restore(face, folder / "x", "--sweep-w --blend 0.5"), 2, {"--blend"});
}

TEST_CASE("restore: --blend mixes the result over the input; a share of nothing is refused") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", kSize, kSize);
  const Image input = read_image(face), full = TinyNet()(input, 0.5, true), half = restored(face, folder, "--blend 0.25");
  for (size_t i = 0; i < input.pixels.size(); ++i)
    CHECK(std::abs(half.pixels[i] - (0.75f * input.pixels[i] + 0.25f * full.pixels[i])) <= 1.01f / 255);  // both were rounded once
  for (const char* blend : {"0", "-1", "1.5", "nan"})
    check_refused(restore(face, folder / "x", std::string("--blend ") + blend), 2, {"--blend must be above 0 and at most 1", blend});
}

TEST_CASE("restore: a batch gives the pictures that one at a time gives, whoever shares it") {
  const Scratch folder;
  for (int i = 0; i < 5; ++i) write_picture(folder / text("in/", i, ".png"), kSize + i, kSize);
  write_text(folder / "in/2a.png", "not one");
  CHECK(restore(folder / "in", folder / "one").exit_code == 3);
  for (const char* batch : {"2", "3", "16"}) {
    CAPTURE(batch);
    const fs::path out = folder / batch;
    CHECK(restore(folder / "in", out, text("--batch ", batch)).exit_code == 3);
    REQUIRE(files_below(out) == files_below(folder / "one"));
    for (const auto& name : files_below(out)) CHECK(content(out / name) == content(folder / "one" / name));
  }
  check_refused(restore(folder / "in", folder / "x", "--batch 0"), 2, {"--batch"});
}

TEST_CASE("restore: --report writes what --json prints") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", kSize, kSize);
  const ProgramRun run = restore(face, folder / "out", "--json --report " + quoted(folder / "report.json"));
  REQUIRE(run.exit_code == 0);
  CHECK(content(folder / "report.json") == run.out);
  CHECK(restore(face, folder / "out", "--report " + quoted(folder / "only.json")).out == "");
  CHECK(nlohmann::json::parse(content(folder / "only.json"))[0]["status"] == "done");
  check_refused(restore(face, folder / "more", "--report " + quoted(folder / "absent/report.json")), 2, {"--report", "absent"});
  CHECK(!fs::exists(folder / "more"));
}

TEST_CASE("restore: a grey face comes back grey, with the mean it had") {
  const Scratch folder;
  const auto face = write_grey(folder / "grey.png");
  const Image input = read_image(face), result = restored(face, folder);
  double before = 0, after = 0;
  for (size_t i = 0; i < result.pixels.size(); i += 3) {
    CHECK(result.pixels[i] == result.pixels[i + 1]);
    CHECK(result.pixels[i] == result.pixels[i + 2]);
    before += input.pixels[i], after += result.pixels[i];
  }
  CHECK(std::abs(before - after) / (kSize * kSize) < 0.1);  // values beyond black and white are cut off
  CHECK(result.pixels != input.pixels);
}

TEST_CASE("restore: --task colorize calls the network with w = 0 and leaves the result its colours") {
  const Scratch folder;
  const auto face = write_grey(folder / "grey.png");
  CHECK(restored(face, folder, "--task colorize").pixels == TinyNet()(read_image(face), 0, true).pixels);
  const auto coloured = write_picture(folder / "coloured.png", kSize, kSize);
  const ProgramRun run = restore(coloured, folder / "out", "--task colorize --json");
  CHECK(run.out.find("colours already") != std::string::npos);
  CHECK(nlohmann::json::parse(run.out)[0]["w"] == 0);
}

TEST_CASE("restore: --task inpaint paints the white pixels with w = 1 and without AdaIN, and nothing else") {
  const Scratch folder;
  const auto whole = write_picture(folder / "whole.png", kSize, kSize);
  Image image = read_image(whole);
  const auto in_stroke = [](int i) { return i / kSize >= 5 && i / kSize < 9; };
  for (int i = 0; i < kSize * kSize; ++i)
    if (in_stroke(i)) std::fill_n(image.pixels.data() + 3 * i, 3, 1.0f);
  const auto face = folder / "strokes.png";
  write_image(face, image);
  const Image painted = TinyNet()(image, 1, false), result = restored(face, folder, "--task inpaint");
  for (int i = 0; i < 3 * kSize * kSize; ++i) CHECK(result.pixels[size_t(i)] == (in_stroke(i / 3) ? painted : image).pixels[size_t(i)]);

  // The same from the whole picture and a mask.
  Image mask(kSize, kSize);
  for (int i = 0; i < kSize * kSize; ++i) std::fill_n(mask.pixels.data() + 3 * i, 3, in_stroke(i) ? 1.0f : 0.0f);
  write_image(folder / "mask.png", mask);
  CHECK(restored(whole, folder, "--task inpaint --mask " + quoted(folder / "mask.png")).pixels == result.pixels);

  check_refused(restore(whole, folder / "x", "--task inpaint"), 1, {"whole.png", "no pixel is pure white", "--mask"});
  write_image(folder / "black.png", Image(kSize, kSize));
  check_refused(restore(whole, folder / "x", "--task inpaint --mask " + quoted(folder / "black.png")), 1, {"marks nothing"});
  write_picture(folder / "small.png", 8, 8);
  check_refused(restore(whole, folder / "x", "--task inpaint --mask " + quoted(folder / "small.png")), 1, {"mask must be 16x16", "8x8"});
  check_refused(restore(whole, folder / "x", "--task inpaint --mask " + quoted(folder / "absent.png")), 1, {"absent.png"});
  check_refused(restore(whole, folder / "x", "--mask " + quoted(folder / "mask.png")), 2, {"--mask belongs to --task inpaint"});
  check_refused(restore(whole, folder / "x", "--task paint"), 2, {"--task", "paint"});
  CHECK(!fs::exists(folder / "x"));
}

TEST_CASE("restore: inpainting at another size keeps what is outside the hole bit for bit") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", 40, 40);
  Image image = read_image(face);
  for (int y = 10; y < 20; ++y) std::fill_n(image.at(y, 12), 3 * 9, 1.0f);
  write_image(face, image);
  const Image result = restored(face, folder, "--task inpaint");
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) {
      const bool hole = image.at(y, x)[0] + image.at(y, x)[1] + image.at(y, x)[2] == 3;
      if (!hole) CHECK(std::equal(image.at(y, x), image.at(y, x) + 3, result.at(y, x)));
    }
  CHECK(result.pixels != image.pixels);
}
