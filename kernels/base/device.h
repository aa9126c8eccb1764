#pragma once
#include <cstdint>
#include <ostream>

namespace kintsugi {

/// sim: an emulated GPU (kernels/simt). The same kernels as on cuda, executed on the CPU, slowly; its memory is host memory.
enum class DeviceKind : uint8_t { cpu, cuda, sim };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;
  bool operator==(const Device&) const = default;
};

constexpr const char* name(DeviceKind k) {
  switch (k) {
    case DeviceKind::cpu: return "cpu";
    case DeviceKind::cuda: return "cuda";
    case DeviceKind::sim: return "sim";
  }
  return "?";
}
/// May the CPU read and write this device's memory?
constexpr bool host_memory(DeviceKind k) { return k != DeviceKind::cuda; }
inline std::ostream& operator<<(std::ostream& out, const Device& d) {
  out << name(d.kind);
  return host_memory(d.kind) ? out : out << ':' << d.index;
}

}  // namespace kintsugi
