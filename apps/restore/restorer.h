// A trained CodeFormer made ready to restore aligned faces.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/image.h"
#include "models/codeformer/codeformer.h"

namespace kintsugi {

class Restorer {
 public:
  /// `weights`: a CodeFormer checkpoint, PyTorch's published file (.pth) as it is, or a run folder of `kintsugi train`. Throws Error
  /// when there is none, when it is of another network, or when a tensor is missing, unexpected, of another shape or not finite.
  /// The network lives on `device`; pictures and results are on the CPU.
  explicit Restorer(const std::string& weights, Device device = {});
  /// Of a network that is being trained; it is put into eval mode during each call.
  explicit Restorer(std::shared_ptr<ParameterStore> store, std::shared_ptr<const CodeFormer> net);

  /// The face restored with fidelity w in [0, 1] (0: quality, 1: closest to the input), at the input's size: the network sees it
  /// resized to network_size(). Throws Error when the picture is smaller than least_size() on a side, or when the result is not finite.
  Image operator()(const Image& face, double w) const;
  /// Network-sized [N,S,S,3] in [-1,1] in and out.
  Tensor operator()(const Tensor& batch, double w) const;

  int network_size() const;
  /// One pixel per code: below that there is nothing to restore from.
  int least_size() const;

 private:
  std::shared_ptr<ParameterStore> store_;
  std::shared_ptr<const CodeFormer> net_;
};

/// The checkpoint meant by a path: itself, or codeformer.safetensors in that folder.
std::string find_weights(const std::string& path);

}  // namespace kintsugi
