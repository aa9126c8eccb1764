#include "apps/parity/golden_file.h"

namespace kintsugi::parity {

GoldenFile::GoldenFile(const std::filesystem::path& path, std::string label)
    : path_(path), label_(std::move(label)), file_(path.string()) {}

SafetensorsFile GoldenFile::neighbour(const std::string& name) const { return SafetensorsFile((path_.parent_path() / name).string()); }

const std::string& GoldenFile::salt() const {
  const auto found = file_.metadata().find("salt");
  KIN_CHECK(found != file_.metadata().end(), "parity: ", label_, " has no salt in its metadata");
  return found->second;
}

Json GoldenFile::metadata(const std::string& key) const {
  const auto found = file_.metadata().find(key);
  if (found == file_.metadata().end()) return nullptr;
  Json value = Json::parse(found->second, nullptr, false);
  KIN_CHECK(!value.is_discarded(), "parity: metadata entry ", key, " of ", label_, " is not JSON");
  return value;
}

std::vector<std::string> GoldenFile::names_below(const std::string& prefix) const {
  std::vector<std::string> found;
  for (const std::string& n : file_.names())
    if (n.compare(0, prefix.size(), prefix) == 0) found.push_back(n.substr(prefix.size()));
  return found;
}

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> all;
  for (const Json& entry : list) all.push_back(entry.get<std::string>());
  return all;
}

}  // namespace kintsugi::parity
