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

std::vector<Tensor> Restorer::run(const Tensor& faces, const Call& call) const {
  CodeFormerCodes codes = net_->encode(faces, {.w = *std::max_element(call.ws.begin(), call.ws.end()), .adain = call.adain});
  std::vector<Tensor> out;
  for (size_t i = 0; i < call.ws.size(); ++i)  // the last one lets go of what it has read
    out.push_back(net_->decode(i + 1 < call.ws.size() ? codes : std::move(codes), call.ws[i]).value());
  return out;
}

bool Restorer::recorded(const Tensor& faces, const Call& call) const {
  if (recording_.call == call) return bool(recording_.graph);  // null: it could not be recorded
  recording_ = {};  // first, for two may not fit
  recording_.call = call;
  try {
    recording_.faces = faces.to(store_->device());
    recording_.graph = std::make_unique<DeviceGraph>(store_->device(), [&] { recording_.results = run(recording_.faces, call); });
  } catch (const Error& e) {  // a recording needs memory of its own, and a device may refuse it
    recording_ = {};
    recording_.call = call;
    why_not_recorded_ = e.what();
  }
  return bool(recording_.graph);
}

std::vector<Tensor> Restorer::operator()(const Tensor& faces, const std::vector<double>& ws, bool adain) const {
  KIN_CHECK(!ws.empty(), "restore: at least one w is needed, got none");
  const NoGrad off;
  const Call call{faces.shape(), ws, adain};
  const Device device = store_->device();
  std::vector<Tensor> results;
  const bool again = last_ == call;
  last_ = call;
  if (device.kind != DeviceKind::cpu && again && recorded(faces, call)) {
    recording_.faces.copy_(faces);
    recording_.graph->launch();
    ++replays_;
    results = recording_.results;
  } else {
    results = run(faces.to(device), call);
  }
  for (Tensor& r : results) r = r.host();
  return results;
}

}  // namespace kintsugi
