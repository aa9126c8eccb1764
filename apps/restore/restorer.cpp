#include "apps/restore/restorer.h"

#include <algorithm>
#include <filesystem>

#include "autograd/finite_watch.h"
#include "data/batch.h"
#include "data/resize.h"
#include "models/known_nets.h"
#include "nn/evaluating.h"

namespace kintsugi {
namespace {

// Shrinking averages over the pixels that fall together, growing interpolates.
Image resized(const Image& image, int h, int w) {
  if (image.h == h && image.w == w) return image;
  return resize(image, h, w, image.h > h || image.w > w ? Filter::area : Filter::linear);
}

}  // namespace

std::string find_weights(const std::string& path) {
  namespace fs = std::filesystem;
  KIN_CHECK(fs::exists(path), path, ": no such file or folder; give a CodeFormer checkpoint or a run folder");
  if (!fs::is_directory(path)) return path;
  const auto file = fs::path(path) / "codeformer.safetensors";
  KIN_CHECK(fs::exists(file), path, ": holds no codeformer.safetensors; is its training finished?");
  return file.string();
}

Restorer::Restorer(const std::string& weights, Device device) {
  const std::string path = find_weights(weights);
  const KnownNet known = open_network(path, kCodeFormerKind);
  store_ = std::make_shared<ParameterStore>(StoreOptions{.initialise = false, .device = device});
  try {
    net_ = std::make_shared<CodeFormer>(store_->root(), codeformer_args_from_json(known.arguments));
  } catch (const Error& e) {
    fail(path, ": its network cannot be built: ", e.what());
  }
  load_parameters(known.tensors, *store_);
  // The codes' argmax would turn such weights into a clean looking picture of something else.
  for (const auto& e : store_->entries()) KIN_CHECK(all_finite(e.value()), path, ": holds numbers that are not finite, in ", e.name);
}

Restorer::Restorer(std::shared_ptr<ParameterStore> store, std::shared_ptr<const CodeFormer> net) : store_(std::move(store)), net_(std::move(net)) {}

int Restorer::network_size() const { return int(net_->args.backbone.img_size); }
int Restorer::least_size() const { return network_size() >> (net_->args.backbone.levels() - 1); }

Tensor Restorer::operator()(const Tensor& batch, double w) const {
  const Evaluating evaluating(*store_);
  const NoGrad off;
  const Tensor image = (*net_)(batch.to(store_->device()), {.w = w, .adain = true}).image.value().host();
  KIN_CHECK(all_finite(image), "restore: the network's result is not finite; the weights or the input are broken");
  return image;
}

Image Restorer::operator()(const Image& face, double w) const {
  const int size = network_size(), least = least_size();
  KIN_CHECK(std::min(face.h, face.w) >= least, "the picture is ", face.w, "x", face.h, ", the network needs at least ", least, "x", least);
  const Image result = to_image((*this)(to_tensor(resized(face, size, size)), w));
  return resized(result, face.h, face.w);
}

}  // namespace kintsugi
