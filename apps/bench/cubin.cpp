#include "apps/bench/cubin.h"

#include <cxxabi.h>
#include <elf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <tuple>

#include "kernels/base/error.h"
#include "tensor/mapped_file.h"

namespace kintsugi {
namespace {

constexpr uint16_t kMachineCuda = 190;
// Attributes of .nv.info, each {format, attribute, size} and, in format 4, size bytes: {symbol, value}.
// The operation in the low nine bits of a 16-byte instruction, sm_80 to sm_90 (as nvdisasm prints them).
enum Operation : uint16_t { kHmma = 0x03c, kLocalLoad = 0x183, kLocalStore = 0x187, kAsyncCopy = 0x1ae, kTmaLoad = 0x1b4, kHgmma = 0x1f0 };
constexpr uint8_t kSized = 4, kRegisters = 0x2f, kFrame = 0x11, kLeastStack = 0x12;

using Bytes = std::span<const uint8_t>;

template <class T>
T read(Bytes b, size_t at) {
  T value{};
  if (at <= b.size() && sizeof(T) <= b.size() - at) std::memcpy(&value, b.data() + at, sizeof(T));
  return value;
}

std::string string_at(Bytes b, size_t at) {
  if (at >= b.size()) return {};
  const char* begin = reinterpret_cast<const char*>(b.data()) + at;
  return std::string(begin, strnlen(begin, b.size() - at));
}

Bytes slice(Bytes b, uint64_t at, uint64_t size) { return at > b.size() || size > b.size() - at ? Bytes{} : b.subspan(size_t(at), size_t(size)); }

// "void kintsugi::cuda::(anonymous namespace)::scale<float, 256>(float const*, ...)" -> "scale<float, 256>"
std::string short_name(const std::string& mangled) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), std::free);
  if (status != 0) return mangled;
  const std::string name = plain.get();
  // The parameter list begins at the last bracket that closes at the end; template arguments may hold brackets of their own.
  size_t end = name.size();
  for (int depth = 0; end > 0;) {
    const char c = name[--end];
    depth += c == ')' ? 1 : c == '(' ? -1 : 0;
    if (depth == 0) break;
  }
  size_t begin = 0;
  for (size_t i = 0, depth = 0; i < end; ++i) {
    const char c = name[i];
    if (c == '<') ++depth;
    if (c == '>') --depth;
    if (depth == 0 && (c == ' ' || (c == ':' && name[i - 1] == ':'))) begin = i + 1;
  }
  return name.substr(begin, end - begin);
}

void read_cubin(Bytes elf, std::vector<KernelResources>& out) {
  const auto header = read<Elf64_Ehdr>(elf, 0);
  std::vector<Elf64_Shdr> sections;
  for (int i = 0; i < header.e_shnum; ++i) sections.push_back(read<Elf64_Shdr>(elf, size_t(header.e_shoff) + size_t(i) * header.e_shentsize));
  if (header.e_shstrndx >= sections.size()) return;
  const auto content = [&](const Elf64_Shdr& s) { return slice(elf, s.sh_offset, s.sh_type == SHT_NOBITS ? 0 : s.sh_size); };
  const Bytes section_names = content(sections[header.e_shstrndx]);
  const auto name_of = [&](const Elf64_Shdr& s) { return string_at(section_names, s.sh_name); };

  std::map<uint32_t, std::string> symbols;
  for (const Elf64_Shdr& s : sections) {
    if (s.sh_type != SHT_SYMTAB || s.sh_link >= sections.size()) continue;
    const Bytes table = content(s), strings = content(sections[s.sh_link]);
    for (uint32_t i = 0; i < table.size() / sizeof(Elf64_Sym); ++i) symbols[i] = string_at(strings, read<Elf64_Sym>(table, i * sizeof(Elf64_Sym)).st_name);
  }

  std::map<std::string, KernelResources> kernels;
  const int architecture = int(header.e_flags >> 8 & 0xff) ? int(header.e_flags >> 8 & 0xff) : int(header.e_flags & 0xff);
  for (const Elf64_Shdr& s : sections) {
    if (name_of(s) != ".nv.info") continue;
    const Bytes info = content(s);
    for (size_t at = 0; at + 4 <= info.size();) {
      const uint8_t format = info[at], attribute = info[at + 1];
      const uint16_t size = read<uint16_t>(info, at + 2);
      if (format == kSized && size >= 8) {
        const int value = read<int32_t>(info, at + 8);
        KernelResources& k = kernels[symbols[read<uint32_t>(info, at + 4)]];
        if (attribute == kRegisters) k.registers = value, k.architecture = architecture;
        if (attribute == kFrame || attribute == kLeastStack) k.stack = std::max(k.stack, value);
      }
      at += 4 + (format == kSized ? size : 0);
    }
  }
  for (const Elf64_Shdr& s : sections) {
    const std::string name = name_of(s), prefix = ".nv.shared.";
    if (!name.starts_with(prefix)) continue;
    const auto found = kernels.find(name.substr(prefix.size()));
    if (found != kernels.end()) found->second.shared = int(s.sh_size);
  }
  for (const Elf64_Shdr& s : sections) {
    const std::string name = name_of(s), prefix = ".text.";
    const auto found = name.starts_with(prefix) ? kernels.find(name.substr(prefix.size())) : kernels.end();
    if (found == kernels.end()) continue;
    KernelResources& k = found->second;
    const Bytes code = content(s);
    for (size_t at = 0; at + 16 <= code.size(); at += 16) {
      const auto operation = Operation(read<uint16_t>(code, at) & 0x1ff);
      k.local += operation == kLocalLoad || operation == kLocalStore;
      k.hmma += operation == kHmma;
      k.hgmma += operation == kHgmma;
      k.async_copies += operation == kAsyncCopy;
      k.tma_loads += operation == kTmaLoad;
    }
  }
  for (auto& [mangled, k] : kernels) {
    if (k.architecture == 0) continue;  // a device function, not a kernel
    k.symbol = mangled;
    k.name = short_name(mangled);
    out.push_back(k);
  }
}

}  // namespace

std::string complaint_about(const KernelResources& k) {
  const auto called = [&](const char* part) { return k.name.find(part) != std::string::npos; };
  if ((k.stack > 0 || k.local > 0) && !called("naive")) return text("stack frame of ", k.stack, " bytes");
  if (k.architecture < 90) return {};
  if (called("wgmma") && k.hgmma == 0) return "no HGMMA";
  if (called("tma") && k.tma_loads == 0) return "no bulk tensor load";
  return {};
}

std::vector<KernelResources> read_cubins(const std::string& path) {
  const MappedFile file(path);
  const Bytes all = file.bytes();
  std::vector<KernelResources> found;
  // Cubins lie on multiples of 8 within the fat binary section.
  for (size_t at = 8; at + sizeof(Elf64_Ehdr) <= all.size(); at += 8) {
    if (std::memcmp(all.data() + at, ELFMAG, SELFMAG) != 0) continue;
    const Bytes elf = all.subspan(at);
    if (elf[EI_CLASS] == ELFCLASS64 && read<Elf64_Ehdr>(elf, 0).e_machine == kMachineCuda) read_cubin(elf, found);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return std::tie(a.architecture, a.name) < std::tie(b.architecture, b.name); });
  return found;
}

const KernelResources* find_kernel(const std::vector<KernelResources>& kernels, const std::string& symbol, int architecture) {
  const KernelResources* found = nullptr;
  for (const KernelResources& k : kernels)
    if (k.symbol == symbol && k.architecture <= architecture && (!found || k.architecture > found->architecture)) found = &k;
  return found;
}

}  // namespace kintsugi
