#include "kernels/base/proc.h"

#include <fstream>

namespace kintsugi {
namespace {

size_t status_bytes(const char* key) {
  const std::string value = proc_value("/proc/self/status", key);  // "1234 kB"
  return value.empty() ? 0 : size_t(std::stoull(value)) * 1024;
}

}  // namespace

std::string proc_value(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) {
      const size_t colon = line.find(':');
      const size_t first = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
      return first == std::string::npos ? "" : line.substr(first);
    }
  return {};
}

size_t peak_memory() { return status_bytes("VmHWM"); }
size_t memory_now() { return status_bytes("VmRSS"); }
bool reset_peak_memory() {
  std::ofstream out("/proc/self/clear_refs");
  return bool(out << "5" << std::flush);
}

}  // namespace kintsugi
