#include "data/face_index.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/base/philox.h"

namespace kintsugi {
namespace fs = std::filesystem;

namespace {

std::vector<std::string> split_csv(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') fields.back() += line[++i];
    else if (c == '"') quoted = !quoted;
    else if (c == ',' && !quoted) fields.emplace_back();
    else if (c != '\r' || quoted) fields.back() += c;
  }
  return fields;
}

size_t column(const std::vector<std::string>& header, const char* name, const fs::path& csv) {
  const auto it = std::find(header.begin(), header.end(), name);
  KIN_CHECK(it != header.end(), csv, ": the first line must name a column '", name, "'");
  return size_t(it - header.begin());
}

}  // namespace

std::map<fs::path, std::string> read_face_index(const fs::path& csv) {
  std::ifstream in(csv);
  KIN_CHECK(in, "cannot read the face index ", csv);
  std::string line;
  std::getline(in, line);
  const auto header = split_csv(line);
  const size_t file = column(header, "file", csv), identity = column(header, "identity", csv);
  const fs::path folder = fs::canonical(fs::absolute(csv).parent_path());
  std::map<fs::path, std::string> people;
  for (int number = 2; std::getline(in, line); ++number) {
    if (line.empty() || line == "\r") continue;
    const auto fields = split_csv(line);
    KIN_CHECK(fields.size() == header.size(), csv, " line ", number, ": expected ", header.size(), " fields, found ", fields.size());
    people[(folder / fields[file]).lexically_normal()] = fields[identity];
  }
  return people;
}

bool is_held_out(const std::string& identity, double holdout) {
  return Philox(0, "holdout/" + identity).uniform_at(0) < holdout;
}

}  // namespace kintsugi
