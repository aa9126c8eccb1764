// A trained CodeFormer, ready to restore faces.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/device_graph.h"
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
  /// whatever the others of its batch are. On a device the second batch like the one before is recorded, and it and those that follow are
  /// started as a whole: the same bits without the cost of a thousand launches. A batch that cannot be recorded runs as the first one did.
  std::vector<Tensor> operator()(const Tensor& faces, const std::vector<double>& ws, bool adain) const;
  /// Batches that were started as recorded.
  int replays() const { return replays_; }
  /// What kept a batch from being recorded, the last time that something did; empty: nothing has.
  const std::string& why_not_recorded() const { return why_not_recorded_; }

  int network_size() const;
  /// One pixel per code: below that there is nothing to restore from.
  int least_size() const;
  /// The file of weights.
  const std::string& path() const { return path_; }
  /// The task that a published network with these arguments was trained for ("restore", "colorize", "inpaint"), or empty.
  const std::string& published_task() const { return published_task_; }

 private:
  // What a recording is for.
  struct Call {
    Shape faces;
    std::vector<double> ws;
    bool adain = false;
    bool operator==(const Call&) const = default;
  };
  struct Recording {
    Call call;
    Tensor faces;
    std::vector<Tensor> results;
    std::unique_ptr<DeviceGraph> graph;
  };
  std::vector<Tensor> run(const Tensor& faces, const Call& call) const;
  /// Makes recording_ that of this call. False: it cannot be recorded.
  bool recorded(const Tensor& faces, const Call& call) const;

  std::string path_, published_task_;
  std::shared_ptr<ParameterStore> store_;
  std::shared_ptr<const CodeFormer> net_;
  mutable std::optional<Call> last_;
  mutable Recording recording_;
  mutable int replays_ = 0;
  mutable std::string why_not_recorded_;
};

/// The checkpoint meant by a path: itself, or codeformer.safetensors in that folder.
std::string find_weights(const std::string& path);

}  // namespace kintsugi
