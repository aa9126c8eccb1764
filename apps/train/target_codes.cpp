#include "apps/train/target_codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "data/loader.h"
#include "data/resize.h"
#include "tensor/sha256.h"

namespace kintsugi {
namespace fs = std::filesystem;
namespace {

constexpr int kBatch = 8;
constexpr const char* kDone = "done";  // metadata: rows made so far

// Every face as it is, and mirrored behind it where there are two ways.
class Views : public Dataset {
 public:
  Views(DatasetPtr faces, int ways) : faces_(std::move(faces)), ways_(ways) {}
  int64_t size() const override { return faces_->size() * ways_; }
  Sample get(uint64_t epoch, int64_t index) const override {
    Sample s = faces_->get(epoch, index / ways_);
    if (index % ways_) s.gt = flip_horizontal(s.gt);
    return s;
  }

 private:
  DatasetPtr faces_;
  int ways_;
};

void write_table(const std::string& file, const Tensor& table, Metadata identity, int64_t done) {
  identity[kDone] = std::to_string(done);
  write_safetensors(file, {{"codes", table}}, identity);
}

}  // namespace

TargetCodes::TargetCodes(const Run& run, const Vqgan& vqgan) : vqgan_(vqgan), device_(run.device), ways_(run.recipe.data.hflip ? 2 : 1) {
  if (!run.recipe.cache_codes.empty()) open(run);
}

void TargetCodes::open(const Run& run) {
  const Metadata identity{{"kind", "codes"}, {"vqgan", fmt::format("{:016x}", vqgan_.store->state_hash())}, {"data", run.data.identity},
                          {"views", std::to_string(ways_)}};
  Sha256 key;
  for (const auto& [name, value] : identity) key.add(value.data(), value.size());
  std::error_code error;
  fs::create_directories(run.recipe.cache_codes, error);
  KIN_CHECK(!error, run.recipe.cache_codes, ": the folder for codes cannot be made: ", error.message());
  const std::string file = (fs::path(run.recipe.cache_codes) / ("codes-" + key.hex().substr(0, 16) + ".safetensors")).string();

  const auto views = std::make_shared<Views>(run.data.faces, ways_);
  const int64_t side = vqgan_.net->args.img_size >> (vqgan_.net->args.levels() - 1);
  const Shape shape{views->size(), side * side};
  int64_t done = 0;
  if (fs::exists(file)) {
    const SafetensorsFile known(file);
    for (const auto& [name, value] : identity) {
      const auto found = known.metadata().find(name);
      KIN_CHECK(found != known.metadata().end() && found->second == value, file, ": holds codes of another ", name, "; remove it");
    }
    KIN_CHECK(known.has("codes") && known.shape("codes") == shape, file, ": must hold codes of shape ", shape, "; remove it");
    table_ = known.read("codes");
    done = std::stoll(known.metadata().at(kDone));
  } else {
    table_ = Tensor::zeros(shape, DType::i32);
  }
  run.ranks.communicator()->barrier();  // all have read what there is; rank 0 may write
  if (done < views->size()) make(run, views, done, file, identity);
}

void TargetCodes::make(const Run& run, const DatasetPtr& views, int64_t done, const std::string& file, const Metadata& identity) {
  const int64_t tokens = table_.dim(1);
  Loader loader(views, {.batch = kBatch, .threads = run.recipe.data.workers, .shuffle = false, .first_batch = done / kBatch});
  Progress progress("codes", views->size(), run.options.quiet, done);
  try {
    while (done < views->size()) {
      run.poll();
      const Tensor codes = vqgan_.net->codes(loader.next().gt.to(device_)).host();
      // The last batch may reach over the end, into faces seen before.
      const int64_t rows = std::min<int64_t>(kBatch, views->size() - done);
      std::transform(codes.data<int64_t>(), codes.data<int64_t>() + rows * tokens, table_.data<int32_t>() + done * tokens,
                     [](int64_t code) { return int32_t(code); });
      progress.update(done += rows);
    }
  } catch (const StopRequested&) {
    if (run.ranks.writes()) write_table(file, table_, identity, done);
    throw;
  }
  if (run.ranks.writes()) write_table(file, table_, identity, done);
}

Tensor TargetCodes::kept(const Batch& batch) const {
  if (!table_) return {};
  const int64_t tokens = table_.dim(1), faces = table_.dim(0) / ways_;
  Tensor codes({int64_t(batch.samples.size()) * tokens}, DType::i64);
  int64_t* to = codes.data<int64_t>();
  for (size_t i = 0; i < batch.samples.size(); ++i) {
    const int32_t* row = table_.data<int32_t>() + (batch.samples[i].second % faces * ways_ + (batch.mirrored[i] ? 1 : 0)) * tokens;
    to = std::copy_n(row, tokens, to);
  }
  return codes.to(device_);
}

}  // namespace kintsugi
