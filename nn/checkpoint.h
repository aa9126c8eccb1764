// Checkpoints: safetensors files in PyTorch's layout and with the published names. Everything that knows about NCHW and OIHW is
// here.
//
// Metadata of every file: "format" ("kintsugi"), "format_version", "kind" (which network, e.g. "codeformer"), "arguments" (its
// constructor's, as JSON text), and whatever the caller adds. Several networks share a file under prefixes ("g.", "d.").
#pragma once
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nn/scope.h"
#include "tensor/named_tensors.h"
#include "tensor/safetensors.h"

namespace kintsugi {

inline constexpr int kCheckpointVersion = 1;

/// Memory layout to file layout and back; a copy, or the same handle when they agree. Rank 4 is required for Layout::conv.
Tensor to_file_layout(const Tensor& t, Layout layout);
Tensor from_file_layout(const Tensor& t, Layout layout);
Shape file_shape(const Shape& shape, Layout layout);
/// Images and features between [N,H,W,C] and [N,C,H,W]: what files of images and other programs' tensors hold.
Tensor nhwc_to_nchw(const Tensor& t);
Tensor nchw_to_nhwc(const Tensor& t);

using Metadata = std::map<std::string, std::string>;

/// One network of a file.
struct CheckpointPart {
  std::string prefix;  // "" or ending with a dot
  const ParameterStore* store = nullptr;
};

struct CheckpointInfo {
  std::string kind;       // which network
  std::string arguments;  // its constructor's arguments, JSON
};

/// Writes the parts and then `extra` (optimiser state, averages; names chosen by the caller), atomically. `more` must not repeat
/// the keys above.
void save_checkpoint(const std::string& path, const CheckpointInfo& info, const std::vector<CheckpointPart>& parts,
                     const NamedTensors& extra = {}, const Metadata& more = {});

/// Kind and arguments of a file. Throws Error naming the file when it is no checkpoint of ours or of a newer format.
CheckpointInfo checkpoint_info(const SafetensorsFile& file);
/// The same, and throws Error unless the kind is `kind`: "x.safetensors: holds a vqgan, expected a codeformer".
CheckpointInfo checkpoint_info(const SafetensorsFile& file, const std::string& kind);

/// Where named tensors in PyTorch's layout come from: a file of any format.
struct TensorSource {
  std::string origin;  // for messages
  std::vector<std::string> names;
  std::function<Shape(const std::string&)> shape;
  std::function<Tensor(const std::string&)> read;
  /// The tensor without a copy, where it lies in the file and keeping that mapped; an empty Tensor where that is not possible.
  std::function<Tensor(const std::string&)> mapped = [](const std::string&) { return Tensor(); };
};
TensorSource source_of(const SafetensorsFile& file);

/// What becomes of parameters that a file holds as memory could.
enum class Reading : uint8_t {
  copied,  // into the store's own memory, at once
  mapped,  // they stay in the file: looked at where they lie, or turned to memory's layout when they are first used, and again after a
           // release(). For inference: nothing is read before it is needed. Numbers that are not finite are refused at that moment.
};

/// Fills the store from the tensors named prefix + its names. Strict: everything under the prefix must be there, nothing may be
/// left over and every shape must fit; otherwise one Error lists all that is missing, unexpected or of another shape, and nothing
/// is loaded. Floats are converted to the store's dtype; a float where an integer belongs (or the reverse) is an Error too. With
/// `part`, patterns as of ParameterStore::freeze, only the entries that match one of them are filled, just as strictly: a stage I
/// network's file fills {"encoder.*", "quantize.*", "generator.*"} of a CodeFormer.
void load_parameters(const TensorSource& source, ParameterStore& store, const std::string& prefix = {},
                     const std::vector<std::string>& part = {"*"}, Reading reading = Reading::copied);
void load_parameters(const SafetensorsFile& file, ParameterStore& store, const std::string& prefix = {},
                     const std::vector<std::string>& part = {"*"});

/// checkpoint_info(file, kind) and load_parameters in one.
void load_checkpoint(const std::string& path, const std::string& kind, ParameterStore& store, const std::string& prefix = {});

}  // namespace kintsugi
