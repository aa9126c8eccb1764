#include "apps/train/handover.h"

#include <filesystem>

#include "nn/checkpoint.h"
#include "tensor/atomic_file.h"
#include "tensor/mapped_file.h"
#include "tensor/sha256.h"

namespace kintsugi {
namespace fs = std::filesystem;
namespace {

constexpr const char *kVqganFile = "vqgan.safetensors", *kCriticFile = "discriminator.safetensors", *kCodesFile = "codes.safetensors";

std::string predecessor(const std::string& folder, const std::string& file, int stage) {
  const std::string path = folder + "/" + file;
  KIN_CHECK(fs::exists(path), path, ": missing; it is the result of stage ", stage, ", run that first");
  return path;
}

void check_codebook(const std::string& path, const std::string& found, const std::string& folder, const Vqgan& vqgan) {
  const std::string expected = codebook_hash(*vqgan.store);
  KIN_CHECK(found == expected, path, ": was trained on another codebook than that of ", folder, "/", kVqganFile, ": expected ", expected, ", found ", found);
}

bool grows_from_stage1(const Recipe& r) { return r.stage3.grows_from == "stage1"; }
bool new_critic(const Recipe& r) { return r.stage3.discriminator == "new"; }

std::vector<std::string> files_read_by(int stage, const Recipe& r) {
  if (stage <= 1) return {};
  std::vector<std::string> files = {kVqganFile};
  if (stage == 3 && !new_critic(r)) files.push_back(kCriticFile);
  if (stage == 3 && !grows_from_stage1(r)) files.push_back(kCodesFile);
  return files;
}

}  // namespace

std::string codebook_hash(const ParameterStore& store) {
  const Tensor codebook = store.at("quantize.embedding.weight").value().host();
  return sha256_of({static_cast<const uint8_t*>(codebook.raw()), codebook.bytes()}).substr(0, 16);
}

Vqgan frozen_vqgan(const Recipe& r, const std::string& folder, Device device) {
  Vqgan v(vqgan_args(r), r.seed, device);
  load_checkpoint(predecessor(folder, kVqganFile, 1), kVqganKind, *v.store);
  v.store->freeze("*");
  v.store->eval();
  return v;
}

Former former_of_stage2(const Recipe& r, const std::string& folder, const Vqgan& vqgan, Device device) {
  Former net(codeformer_args(r), r.seed, device);
  const std::string path = predecessor(folder, kCodesFile, 2);
  load_checkpoint(path, kCodeFormerKind, *net.store);
  check_codebook(path, codebook_hash(*net.store), folder, vqgan);
  return net;
}

Critic critic_of_stage1(const Recipe& r, const std::string& folder, const Vqgan& vqgan, Device device) {
  Critic d(discriminator_args(r), r.seed, device);
  const std::string path = predecessor(folder, kCriticFile, 1);
  load_checkpoint(path, kDiscriminatorKind, *d.store);
  const SafetensorsFile file(path);
  if (const auto made_with = file.metadata().find(kCodebookKey); made_with != file.metadata().end())
    check_codebook(path, made_with->second, folder, vqgan);
  return d;
}

Former former_of_stage1(const Recipe& r, const Vqgan& vqgan, Device device) {
  Former net(codeformer_args(r), r.seed, device);
  for (const auto& e : vqgan.store->entries()) net.store->at(e.name).value().copy_(e.value());
  return net;
}

void check_predecessors(const Recipe& r, const std::string& folder, int first) {
  if (first < 2) return;
  const Vqgan vqgan = frozen_vqgan(r, folder, {});
  if (first == 3 && !grows_from_stage1(r)) former_of_stage2(r, folder, vqgan, {});
  if (first == 3 && !new_critic(r)) critic_of_stage1(r, folder, vqgan, {});
}

void copy_predecessors(const std::string& from, const std::string& to, int first) {
  // Stage II has no use for the discriminator, but the stage after it.
  for (const char* file : {kVqganFile, kCriticFile, kCodesFile}) {
    const fs::path source = fs::path(from) / file;
    if ((file == kCodesFile && first < 3) || !fs::exists(source)) continue;
    const MappedFile whole(source.string());
    write_file(fs::path(to) / file, whole.bytes().data(), whole.bytes().size());
  }
}

Inputs input_hashes(const Recipe& r, int stage, const TrainingData& data) {
  Inputs inputs{{"data", data.identity}};
  for (const std::string& file : files_read_by(stage, r)) inputs[file] = sha256_of_file(fs::path(r.out) / file);
  if (r.perceptual != "none") inputs["perceptual_weights"] = sha256_of_file(r.perceptual_weights);
  return inputs;
}

}  // namespace kintsugi
