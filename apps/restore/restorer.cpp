#include "apps/restore/restorer.h"

#include <algorithm>
#include <filesystem>

#include "models/known_nets.h"

namespace kintsugi {

std::string find_weights(const std::string& path) {
  namespace fs = std::filesystem;
  KIN_CHECK(fs::exists(path), path, ": no such file or folder; give a CodeFormer checkpoint or a run folder");
  if (!fs::is_directory(path)) return path;
  const auto file = fs::path(path) / "codeformer.safetensors";
  KIN_CHECK(fs::exists(file), path, ": holds no codeformer.safetensors; is its training finished?");
  return file.string();
}

Restorer::Restorer(const std::string& weights, Device device) : path_(find_weights(weights)) {
  const KnownNet known = open_network(path_, kCodeFormerKind);
  store_ = std::make_shared<ParameterStore>(StoreOptions{.initialise = false, .device = device});
  try {
    net_ = std::make_shared<CodeFormer>(store_->root(), codeformer_args_from_json(known.arguments));
    published_task_ = kintsugi::published_task(known);
  } catch (const Error& e) {
    fail(path_, ": its network cannot be built: ", e.what());
  }
  // Weights stay in the file, where numbers that are not finite are found when they are used: the codes' argmax would turn
  // them into a clean looking picture of something else.
  load_parameters(known.tensors, *store_, {}, {"*"}, Reading::mapped);
  store_->passing();
  store_->eval();
}

int Restorer::network_size() const { return int(net_->args.backbone.img_size); }
int Restorer::least_size() const { return network_size() >> (net_->args.backbone.levels() - 1); }

std::vector<Tensor> Restorer::operator()(const Tensor& faces, const std::vector<double>& ws, bool adain) const {
  KIN_CHECK(!ws.empty(), "restore: at least one w is needed, got none");
  const NoGrad off;
  CodeFormerCodes codes = net_->encode(faces.to(store_->device()), {.w = *std::max_element(ws.begin(), ws.end()), .adain = adain});
  std::vector<Tensor> out;
  for (size_t i = 0; i < ws.size(); ++i)  // the last one lets go of what it has read
    out.push_back(net_->decode(i + 1 < ws.size() ? codes : std::move(codes), ws[i]).value().host());
  return out;
}

}  // namespace kintsugi
