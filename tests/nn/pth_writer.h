// Writes PyTorch checkpoints, true and false ones, byte by byte: what the tests of the reader are made of.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace kintsugi::testing {

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A file in memory that can be opened by its path: tests that write thousands of files must not wait for a disk.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("kintsugi-test", 0)) {
    if (descriptor_ < 0) throw std::runtime_error("no file in memory");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  void write(const std::string& bytes) {
    if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) != ssize_t(bytes.size()))
      throw std::runtime_error("cannot write to a file in memory");
  }

 private:
  int descriptor_;
};

/// Opcodes of protocol 2 as expressions: each returns the bytes that leave one value on the stack.
namespace pickle {
inline std::string string(const std::string& s) { return "X" + raw(uint32_t(s.size())) + s; }
inline std::string integer(int64_t v) {
  if (v >= 0 && v < 256) return "K" + raw(uint8_t(v));
  if (v >= INT32_MIN && v <= INT32_MAX) return "J" + raw(int32_t(v));
  return "\x8a\x08" + raw(v);
}
inline std::string real(double v) {
  uint64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return "G" + raw(__builtin_bswap64(bits));
}
inline std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
inline std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const auto& i : items) out += i;
  return out + "t";
}
inline std::string list(const std::vector<std::string>& items) {
  std::string out = "](";
  for (const auto& i : items) out += i;
  return out + "e";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "}(";
  for (const auto& [k, v] : items) out += string(k) + v;
  return out + "u";
}
inline std::string call(const std::string& function, const std::vector<std::string>& args) {
  return function + tuple(args) + "R";
}
inline std::string whole(const std::string& value) { return "\x80\x02" + value + "."; }
}  // namespace pickle

/// A tensor as torch.save describes it, and the bytes of its storage.
struct TorchTensor {
  std::string name, type;  // "w", "FloatStorage"
  std::vector<int64_t> size, stride;
  int64_t offset = 0, elements = 0;  // elements of the storage
  std::string key, bytes;            // tensors with the same key share the first one's bytes
};

inline TorchTensor dense(const std::string& name, const std::vector<int64_t>& size, const std::vector<float>& values,
                         const std::string& key) {
  std::vector<int64_t> stride(size.size());
  int64_t step = 1;
  for (size_t i = size.size(); i-- > 0; step *= size[i]) stride[i] = step;
  return {name, "FloatStorage", size, stride, 0, int64_t(values.size()), key, raw(values)};
}

inline std::string pickled(const TorchTensor& t, bool legacy) {
  using namespace pickle;
  std::vector<std::string> id{string("storage"), global("torch", t.type), string(t.key), string("cuda:0"), integer(t.elements)};
  if (legacy) id.push_back("N");
  std::vector<std::string> size, stride;
  for (int64_t v : t.size) size.push_back(integer(v));
  for (int64_t v : t.stride) stride.push_back(integer(v));
  return call(global("torch._utils", "_rebuild_tensor_v2"), {tuple(id) + "Q", integer(t.offset), tuple(size), tuple(stride),
                                                             "\x89", call(global("collections", "OrderedDict"), {})});
}
inline std::string pickled_dict(const std::vector<TorchTensor>& tensors, bool legacy) {
  std::string out = pickle::call(pickle::global("collections", "OrderedDict"), {}) + "(";
  for (const TorchTensor& t : tensors) out += pickle::string(t.name) + pickled(t, legacy);
  return out + "u";
}

/// A ZIP of stored entries, as PyTorch's writer makes it: zeros in the local headers, payloads on 64 bytes.
struct ZipEntry {
  std::string name, bytes;
  uint16_t method = 0;
  bool zip64 = false;  // sizes and offset in the extra field
};
inline std::string zip(const std::vector<ZipEntry>& entries, bool zip64 = false) {
  std::string out, directory;
  for (const ZipEntry& e : entries) {
    const auto offset = out.size();
    const size_t before = offset + 30 + e.name.size() + 4, padding = (64 - before % 64) % 64;
    out += "PK\x03\x04" + raw(uint16_t(0)) + raw(uint16_t(0x0808)) + raw(e.method) + std::string(16, '\0') +
           raw(uint16_t(e.name.size())) + raw(uint16_t(4 + padding)) + e.name + "FB" + raw(uint16_t(padding)) +
           std::string(padding, 'Z') + e.bytes;
    const std::string wide = e.zip64 ? raw(uint16_t(1)) + raw(uint16_t(24)) + raw(uint64_t(e.bytes.size())) +
                                           raw(uint64_t(e.bytes.size())) + raw(uint64_t(offset))
                                     : "";
    const uint32_t size = e.zip64 ? 0xffffffffu : uint32_t(e.bytes.size());
    directory += "PK\x01\x02" + raw(uint32_t(0)) + raw(uint16_t(0x0808)) + raw(e.method) + std::string(8, '\0') + raw(size) +
                 raw(size) + raw(uint16_t(e.name.size())) + raw(uint16_t(wide.size())) + raw(uint16_t(0)) + std::string(8, '\0') +
                 raw(e.zip64 ? 0xffffffffu : uint32_t(offset)) + e.name + wide;
  }
  const uint64_t at = out.size(), count = entries.size(), size = directory.size();
  out += directory;
  if (zip64) {
    const uint64_t record = out.size();
    out += "PK\x06\x06" + raw(uint64_t(44)) + raw(uint32_t(0)) + raw(uint32_t(0)) + raw(uint32_t(0)) + raw(count) + raw(count) +
           raw(size) + raw(at);
    out += "PK\x06\x07" + raw(uint32_t(0)) + raw(record) + raw(uint32_t(1));
  }
  const auto narrow = [&](auto value) { return zip64 ? decltype(value)(~decltype(value)(0)) : value; };
  return out + "PK\x05\x06" + raw(uint32_t(0)) + raw(narrow(uint16_t(count))) + raw(narrow(uint16_t(count))) +
         raw(narrow(uint32_t(size))) + raw(narrow(uint32_t(at))) + raw(uint16_t(0));
}

/// The entries of a checkpoint around the pickled object.
inline std::vector<ZipEntry> zip_entries(const std::string& object, const std::vector<TorchTensor>& tensors,
                                         const std::string& folder = "archive") {
  std::vector<ZipEntry> out{{folder + "/data.pkl", pickle::whole(object)}, {folder + "/byteorder", "little"}};
  for (const TorchTensor& t : tensors)
    if (!t.bytes.empty()) out.push_back({folder + "/data/" + t.key, t.bytes});
  out.push_back({folder + "/version", "3\n"});
  return out;
}
inline std::string zip_checkpoint(const std::string& object, const std::vector<TorchTensor>& tensors) {
  return zip(zip_entries(object, tensors));
}

inline std::string legacy_checkpoint(const std::string& object, const std::vector<TorchTensor>& tensors,
                                     bool little_endian = true) {
  using namespace pickle;
  std::string out = whole("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + whole(integer(1001)) +
                    whole(dict({{"protocol_version", integer(1001)}, {"little_endian", little_endian ? "\x88" : "\x89"}}));
  std::vector<std::string> keys;
  std::string data;
  for (const TorchTensor& t : tensors) {
    if (t.bytes.empty()) continue;
    keys.push_back(string(t.key));
    data += raw(t.elements) + t.bytes;
  }
  return out + whole(object) + whole(list(keys)) + data;
}

/// Four floats tensors, one of them a transposed view of another's storage, and an integer counter, under params_ema beside plain
/// values.
inline std::vector<TorchTensor> small_tensors() {
  std::vector<float> w(24);
  for (size_t i = 0; i < w.size(); ++i) w[i] = float(i) / 8 - 1;
  return {dense("conv.weight", {2, 3, 2, 2}, w, "0"),
          dense("conv.bias", {2}, {0.5f, -0.25f}, "1"),
          {"transposed", "FloatStorage", {4, 6}, {1, 4}, 0, 24, "0", ""},
          dense("norm.running_mean", {3}, {1, 2, 3}, "2"),
          {"norm.num_batches_tracked", "LongStorage", {}, {}, 0, 1, "3", raw(int64_t(-7))}};
}
inline std::string small_object(bool legacy) {
  return pickle::dict(
      {{"params_ema", pickled_dict(small_tensors(), legacy)}, {"iter", pickle::integer(1234)}, {"lr", pickle::real(1e-4)}});
}
inline std::string small_zip() { return zip_checkpoint(small_object(false), small_tensors()); }
inline std::string small_legacy() { return legacy_checkpoint(small_object(true), small_tensors()); }

}  // namespace kintsugi::testing
