// A trained CodeFormer, ready to restore faces.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "models/codeformer/codeformer.h"

namespace kintsugi {

class Restorer {
 public:
  /// From a checkpoint of this program, a published file (.pth) as it is, or a run folder of `kintsugi train`. Throws Error
  /// when there is none, when it is of another network, or when a tensor is missing, unexpected, of another shape or not finite.
  /// The network lives on `device`; faces and results are on the CPU.
  explicit Restorer(const std::string& weights, Device device = {});

  /// Faces [N,S,S,3] in [-1,1], S = network_size(), restored with each fidelity w in [0, 1] (0: quality, 1: closest to the input):
  /// one [N,S,S,3] for every w. The encoder runs and the codes are found once for all of them. A face's result has the same bits
  /// whatever the others of its batch are.
  std::vector<Tensor> operator()(const Tensor& faces, const std::vector<double>& ws, bool adain) const;

  int network_size() const;
  /// One pixel per code: below that there is nothing to restore from.
  int least_size() const;
  /// The file of weights.
  const std::string& path() const { return path_; }
  /// The task that a published network with these arguments was trained for ("restore", "colorize", "inpaint"), or empty.
  const std::string& published_task() const { return published_task_; }

 private:
  std::string path_, published_task_;
  std::shared_ptr<ParameterStore> store_;
  std::shared_ptr<const CodeFormer> net_;
};

/// The checkpoint meant by a path: itself, or codeformer.safetensors in that folder.
std::string find_weights(const std::string& path);

}  // namespace kintsugi
