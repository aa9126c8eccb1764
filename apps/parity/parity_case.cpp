#include "apps/parity/parity_case.h"

namespace kintsugi::parity {
namespace {

std::vector<ParityKind>& registered() {
  static std::vector<ParityKind> kinds;
  return kinds;
}

bool ends_with_path(const std::string& path, const std::string& end) {
  if (path.size() < end.size() || path.compare(path.size() - end.size(), end.size(), end) != 0) return false;
  return path.size() == end.size() || path[path.size() - end.size() - 1] == '/';
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1); }

}  // namespace

const std::vector<ParityKind>& parity_kinds() { return registered(); }

const ParityKind* find_parity_kind(const std::string& path) {
  const ParityKind* best = nullptr;
  for (const ParityKind& kind : registered())
    if (ends_with_path(path, kind.file) && (!best || kind.file.size() > best->file.size())) best = &kind;
  if (best) return best;
  int namesakes = 0;
  for (const ParityKind& kind : registered())
    if (last_part(kind.file) == last_part(path)) best = &kind, ++namesakes;
  return namesakes == 1 ? best : nullptr;
}

ParityRegistration::ParityRegistration(ParityKind kind) { registered().push_back(std::move(kind)); }

ParityKind single_case(std::string file, std::function<void(const GoldenFile&, Check&)> run) {
  return {std::move(file), [run = std::move(run)](const GoldenFile& golden) -> std::vector<ParityCase> {
            return {{"", [&golden, run](Check& check) { run(golden, check); }}};
          }};
}

}  // namespace kintsugi::parity
