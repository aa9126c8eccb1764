// kintsugi restore: pictures, weights and folders that are wrong, and what comes out when they are right.
#include <algorithm>
#include <cmath>
#include <functional>

#include "tensor/safetensors.h"
#include "tests/apps/restoring.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

using Tensors = std::vector<std::pair<std::string, Tensor>>;

/// The tiny run's CodeFormer rewritten after `change`.
fs::path changed_weights(const fs::path& to, const std::function<void(Tensors&, std::map<std::string, std::string>&)>& change) {
  const SafetensorsFile file((tiny_run().path / "codeformer.safetensors").string());
  Tensors tensors;
  for (const auto& n : file.names()) tensors.emplace_back(n, file.read(n));
  auto metadata = file.metadata();
  change(tensors, metadata);
  write_safetensors(to.string(), tensors, metadata);
  return to;
}

Tensors::iterator find(Tensors& tensors, const std::string& name) {
  return std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; });
}

}  // namespace

TEST_CASE("restore: good pictures keep their size; JSON on stdout, progress on stderr, nothing with -q") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", 24, 20);
  const ProgramRun run = restore(face, folder / "out", "--json");
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  const auto report = nlohmann::json::parse(run.out);
  const auto& entry = report[0];
  CHECK(entry["input"] == face.string());
  CHECK(entry["output"] == (folder / "out" / "face.png").string());
  CHECK(entry["status"] == "done");
  CHECK(!entry.contains("error"));
  CHECK(entry["task"] == "restore");
  CHECK(entry["w"] == 0.5);
  CHECK(entry["blend"] == 1);
  CHECK(entry["device"] == "cpu");
  CHECK(entry["seconds"].get<double>() > 0);
  CHECK(entry["size"] == nlohmann::json{20, 24});
  CHECK(entry["network_size"] == nlohmann::json{16, 16});
  CHECK(entry["weights"] == (tiny_run().path / "codeformer.safetensors").string());
  CHECK(entry["weights_sha256"].get<std::string>().size() == 64);
  CHECK(entry["notes"].size() == 2);  // resized, not square
  CHECK(run.err.starts_with("device: cpu, chosen by auto ("));
  CHECK(restore(face, folder / "out", "--device cpu").err.starts_with("device: cpu, asked for by --device"));
  CHECK(run.err.find("restore 1/1") != std::string::npos);
  const Image result = read_image(folder / "out" / "face.png");
  CHECK(result.h == 24);
  CHECK(result.w == 20);
  const ProgramRun quiet = restore(face, folder / "one.png", "-q");
  CHECK(quiet.exit_code == 0);
  CHECK(quiet.output == "");
  CHECK(content(folder / "one.png") == content(folder / "out" / "face.png"));
}

TEST_CASE("restore: pictures that are none, each with its reason; no result is left") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", 24, 20);
  const std::string bytes = content(face);
  const auto out = folder / "out";
  check_refused(restore(write_text(folder / "notes.png", "Dear diary"), out), 1,
                {"notes.png", "expected an image", "found text"});
  check_refused(restore(write_text(folder / "none.png", ""), out), 1, {"none.png", "found an empty file"});
  check_refused(restore(write_text(folder / "cut.png", bytes.substr(0, bytes.size() / 2)), out), 1,
                {"cut.png", "cut short or damaged"});
  check_refused(restore(write_picture(folder / "dot.png", 1, 1), out), 1, {"dot.png", "1x1", "at least 8x8"});
  check_refused(restore(folder / "absent.png", out), 1, {"absent.png", "No such file"});
  check_refused(restore(face / "below.png", out), 1, {"below.png", "Not a directory"});
  check_refused(restore("/proc/self/mem", out), 1, {"/proc/self/mem", "Input/output error"});
  fs::create_directories(folder / "empty");
  check_refused(restore(folder / "empty", out), 1, {"empty", "holds no images"});
  write_text(folder / "empty" / "notes.txt", "x");
  check_refused(restore(folder / "empty", out), 1, {"empty", "holds no images"});
  CHECK(!fs::exists(out));
}

TEST_CASE("restore: what works is done when the rest fails") {
  const Scratch folder;
  write_picture(folder / "faces/a.png", 16, 16);
  const auto bad = write_text(folder / "bad.png", "x");
  fs::create_directories(folder / "empty");
  const ProgramRun some =
      run_program("restore --json -q " + quoted(bad) + " " + quoted(folder / "empty") + " " + quoted(folder / "faces") +
                  " --weights " + quoted(tiny_run().path) + " -o " + quoted(folder / "out"));
  CHECK_MESSAGE(some.exit_code == 3, some.output);
  CHECK(count(some.err, "kintsugi: ") == 2);
  const auto report = nlohmann::json::parse(some.out);
  REQUIRE(report.size() == 3);
  for (int i : {0, 1}) {
    CHECK(report[i]["status"] == "failed");
    CHECK(report[i].contains("error"));
    CHECK(!report[i].contains("output"));
  }
  CHECK(report[2]["output"] == (folder / "out" / "a.png").string());
  CHECK(std::distance(fs::directory_iterator(folder / "out"), {}) == 1);
}

TEST_CASE("restore: results that would land on each other, on their input, or nowhere") {
  const Scratch folder;
  const auto a = write_picture(folder / "a/face.png", 16, 16), b = write_picture(folder / "b/face.png", 16, 16);
  const std::string both = quoted(a) + " " + quoted(b) + " --weights " + quoted(tiny_run().path);
  check_refused(run_program("restore " + both + " -o " + quoted(folder / "out")), 2,
                {"a/face.png", "b/face.png", "both be written", "out/face.png"});
  check_refused(run_program("restore " + both + " -o " + quoted(folder / "one.png")), 2, {"one.png", "2 go in"});
  const std::string before = content(a);
  check_refused(restore(a, folder / "a"), 2, {"a/face.png", "over itself"});
  check_refused(restore(a, a), 2, {"a/face.png", "over itself"});
  CHECK(content(a) == before);
  for (const char* w : {"2", "-0.5", "nan"})
    check_refused(restore(a, folder / "out", std::string("--w ") + w), 2, {"--w must be from 0 to 1", w});
  check_refused(restore(a, folder / "out", "--w much"), 2, {"--w", "much"});
  check_refused(restore(a, b / "below"), 1, {"face.png/below", "cannot be made", "Not a directory"});
  check_refused(restore(a, b / "below.png"), 1, {"below.png", "Not a directory"});
  CHECK(!fs::exists(folder / "out"));
}

TEST_CASE("restore: no room for the result leaves no part of it") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", 64, 64);
  fs::create_directories(folder / "out");
  write_text(folder / "out/face.png", "older");
  const ProgramRun run =
      restore(face, folder / "out", "", "ulimit -f 2;");  // at most 2 KiB: the messages fit, the picture does not
  check_refused(run, 1, {"face.png", "File too large"});
  CHECK(content(folder / "out/face.png") == "older");
  CHECK(std::distance(fs::directory_iterator(folder / "out"), {}) == 1);
}

TEST_CASE("restore: weights that are missing, of another network, or damaged") {
  const Scratch folder;
  const auto face = write_picture(folder / "face.png", 16, 16), out = folder / "out";
  const auto with = [&](const fs::path& weights) {
    return run_program("restore " + quoted(face) + " --weights " + quoted(weights) + " -o " + quoted(out));
  };
  check_refused(run_program("restore " + quoted(face)), 2, {"--weights is required"});
  check_refused(with(folder / "absent"), 1, {"absent", "no such file or folder"});
  check_refused(with(folder.path()), 1, {"holds no codeformer.safetensors"});
  check_refused(with(face), 1, {"face.png", "is not a file of weights"});
  check_refused(with(tiny_run().path / "vqgan.safetensors"), 1,
                {"vqgan.safetensors", "holds a vqgan", "expected a codeformer"});
  const auto made = folder / "made.safetensors";
  const std::string name = "feat_emb.weight";
  check_refused(with(changed_weights(made, [&](Tensors& t, auto&) { t.erase(find(t, name)); })), 1,
                {"made.safetensors", "missing (1)", name});
  check_refused(
      with(changed_weights(made, [&](Tensors& t, auto&) { t.emplace_back("stranger", Tensor::zeros({2}, DType::f32)); })), 1,
      {"made.safetensors", "unexpected (1)", "stranger"});
  check_refused(with(changed_weights(made,
                                     [&](Tensors& t, auto&) {
                                       find(t, name)->second = Tensor::zeros({16, 9}, DType::f32);
                                     })),
                1, {"of another shape (1)", name + " must be [16,8], got [16,9]"});
  check_refused(with(changed_weights(made, [&](Tensors&, auto& m) { m["arguments"] = "{}"; })), 1,
                {"made.safetensors", "cannot be built", "backbone"});
  check_refused(with(changed_weights(made, [&](Tensors&, auto& m) { m["format_version"] = "99"; })), 1,
                {"format_version", "99"});
  check_refused(with(changed_weights(made, [&](Tensors& t, auto&) { find(t, name)->second.data<float>()[0] = NAN; })), 1,
                {"made.safetensors", "not finite", name});
  const std::string whole = content(tiny_run().path / "codeformer.safetensors");
  for (size_t keep : {whole.size() - 1, whole.size() / 2, size_t(100), size_t(4)})
    check_refused(with(write_text(folder / "cut.safetensors", whole.substr(0, keep))), 1,
                  {"cut.safetensors", keep > 8 ? "not a valid safetensors file" : "not a file of weights"});
  CHECK(!fs::exists(out));
}
