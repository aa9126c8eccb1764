#pragma once
#include <cstdint>
#include <ostream>

namespace kintsugi {

enum class DeviceKind : uint8_t { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;
  bool operator==(const Device&) const = default;
};

constexpr const char* name(DeviceKind k) { return k == DeviceKind::cpu ? "cpu" : "cuda"; }
inline std::ostream& operator<<(std::ostream& out, const Device& d) {
  out << name(d.kind);
  return d.kind == DeviceKind::cpu ? out : out << ':' << d.index;
}

}  // namespace kintsugi
