// One file of golden vectors: tensors, and metadata that holds JSON where it is structured.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/parity/layout.h"
#include "tensor/safetensors.h"

namespace kintsugi::parity {

using Json = nlohmann::ordered_json;

class GoldenFile {
 public:
  /// `label` names the file in reports. Throws Error when it is not a valid safetensors file.
  GoldenFile(const std::filesystem::path& path, std::string label);

  const std::string& label() const { return label_; }
  /// Throws Error when the metadata has none: without its salt no weight can be made again.
  const std::string& salt() const;
  /// A file of the same folder, for constants that several cases share. Throws Error when it is not there.
  SafetensorsFile neighbour(const std::string& name) const;
  std::filesystem::path folder() const { return path_.parent_path(); }
  bool has(const std::string& tensor) const { return file_.has(tensor); }
  const Shape& shape(const std::string& tensor) const { return file_.shape(tensor); }
  const std::vector<std::string>& names() const { return file_.names(); }
  /// The tensor in our axis order; `order` as in layout.h.
  Tensor read(const std::string& tensor, const Order& order = as_stored) const { return from_stored(file_.read(tensor), order); }
  double number(const std::string& tensor) const { return file_.read(tensor).item(); }
  /// A structured metadata entry; null when absent. Throws Error when it is not JSON.
  Json metadata(const std::string& key) const;
  /// The names after `prefix` of every tensor that has it, in the file's order.
  std::vector<std::string> names_below(const std::string& prefix) const;

 private:
  std::filesystem::path path_;
  std::string label_;
  SafetensorsFile file_;
};

/// The strings of a JSON list.
std::vector<std::string> strings(const Json& list);

}  // namespace kintsugi::parity
