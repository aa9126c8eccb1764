#include "tensor/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "tensor/atomic_file.h"
#include "tensor/half.h"
#include "tensor/mapped_file.h"

namespace kintsugi {
namespace {

constexpr uint64_t kMostHeaderBytes = 100'000'000;

}  // namespace

// Reads and checks the JSON header into a SafetensorsFile.
struct SafetensorsHeader {
  SafetensorsFile& file;
  using Stored = SafetensorsFile::Stored;

  struct Type {
    const char* name;
    Stored stored;
    uint64_t bytes;
  };
  static constexpr Type kTypes[] = {{"F64", Stored::f64, 8}, {"F32", Stored::f32, 4}, {"BF16", Stored::bf16, 2}, {"F16", Stored::f16, 2},
                                    {"I64", Stored::i64, 8}, {"I32", Stored::i32, 4}, {"I16", Stored::i16, 2},   {"I8", Stored::i8, 1},
                                    {"U8", Stored::u8, 1},   {"BOOL", Stored::boolean, 1}};

  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail(file.path_, ": not a valid safetensors file: ", parts...);
  }

  void read() {
    const std::span<const uint8_t> map = file.mapping_->bytes();
    if (map.size() < 8) bad("it has ", map.size(), " bytes, the header length alone needs 8");
    uint64_t length;
    std::memcpy(&length, map.data(), 8);
    if (length > kMostHeaderBytes) bad("the header claims ", length, " bytes, at most ", kMostHeaderBytes, " are accepted");
    if (length > map.size() - 8) bad("the header claims ", length, " bytes, the file has ", map.size() - 8, " after the length");
    file.data_offset_ = 8 + length;
    const auto header = parse(map.data() + 8, map.data() + 8 + length);
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") read_metadata(value);
      else read_entry(name, value);
    }
    check_ranges(map.size() - file.data_offset_);
  }

  nlohmann::json parse(const uint8_t* begin, const uint8_t* end) const {
    // nlohmann's object silently keeps the last of two equal keys, so duplicates are looked for while parsing.
    std::vector<std::set<std::string>> keys;
    std::string duplicate;
    auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
      if (depth > 64) bad("the header is nested more than 64 deep");
      if (event == nlohmann::json::parse_event_t::object_start) keys.emplace_back();
      if (event == nlohmann::json::parse_event_t::object_end) keys.pop_back();
      if (event == nlohmann::json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) duplicate = value.get<std::string>();
      return true;
    };
    nlohmann::json header;
    try {
      header = nlohmann::json::parse(begin, end, watch);
    } catch (const nlohmann::json::exception& e) {
      bad("the header is not JSON (", e.what(), ")");
    }
    if (!duplicate.empty()) bad("the name '", duplicate, "' occurs twice");
    if (!header.is_object()) bad("the header is not a JSON object");
    return header;
  }

  void read_metadata(const nlohmann::json& value) {
    if (!value.is_object()) bad("__metadata__ is not an object");
    for (const auto& [k, v] : value.items()) {
      if (!v.is_string()) bad("__metadata__ '", k, "' is not a string");
      file.metadata_[k] = v.get<std::string>();
    }
  }

  void read_entry(const std::string& name, const nlohmann::json& v) {
    if (!v.is_object() || !v.contains("dtype") || !v.contains("shape") || !v.contains("data_offsets")) bad("'", name, "' lacks dtype, shape or data_offsets");
    if (!v["dtype"].is_string()) bad("'", name, "': dtype is not a string");
    const auto wanted = v["dtype"].get<std::string>();
    const auto type = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& t) { return wanted == t.name; });
    if (type == std::end(kTypes)) bad("'", name, "' has the unknown dtype ", wanted);

    const auto dims = unsigned_list(name, "shape", v["shape"]);
    if (dims.size() > Shape::kMaxRank) bad("'", name, "' has rank ", dims.size(), ", at most ", Shape::kMaxRank, " is supported");
    uint64_t bytes = type->bytes;
    std::vector<int64_t> shape;
    for (uint64_t d : dims) {
      if (__builtin_mul_overflow(bytes, d, &bytes) || d > uint64_t(INT64_MAX)) bad("'", name, "': the product of its shape overflows");
      shape.push_back(int64_t(d));
    }
    const auto offsets = unsigned_list(name, "data_offsets", v["data_offsets"]);
    if (offsets.size() != 2) bad("'", name, "': data_offsets must be two numbers");
    if (offsets[0] > offsets[1]) bad("'", name, "': its data begins at ", offsets[0], " and ends at ", offsets[1]);
    if (offsets[1] - offsets[0] != bytes) bad("'", name, "' needs ", bytes, " bytes, its data_offsets span ", offsets[1] - offsets[0]);
    file.entries_[name] = {type->stored, Shape(shape), offsets[0], offsets[1]};
  }

  std::vector<uint64_t> unsigned_list(const std::string& name, const char* what, const nlohmann::json& v) const {
    if (!v.is_array()) bad("'", name, "': ", what, " is not a list");
    std::vector<uint64_t> list;
    for (const auto& e : v) {
      if (!e.is_number_unsigned()) bad("'", name, "': ", what, " holds something that is not a whole number >= 0");
      list.push_back(e.get<uint64_t>());
    }
    return list;
  }

  // Sorted, the ranges must follow each other from 0 to the end of the file.
  void check_ranges(uint64_t data_size) {
    for (const auto& [name, e] : file.entries_) file.names_.push_back(name);
    std::stable_sort(file.names_.begin(), file.names_.end(), [&](const auto& a, const auto& b) {
      const auto &x = file.entries_.at(a), &y = file.entries_.at(b);
      return std::pair(x.begin, x.end) < std::pair(y.begin, y.end);
    });
    uint64_t at = 0;
    for (const auto& name : file.names_) {
      const auto& e = file.entries_.at(name);
      if (e.end > data_size) bad("'", name, "' ends at byte ", e.end, " of ", data_size, " (the file is cut short or its header lies)");
      if (e.begin != at) bad("'", name, "' begins at byte ", e.begin, " where ", at, " was expected (", e.begin > at ? "a hole" : "an overlap", ")");
      at = e.end;
    }
    if (at != data_size) bad("the tensors end at byte ", at, ", the data at ", data_size);
  }
};

SafetensorsFile::SafetensorsFile(const std::string& path) : path_(path), mapping_(std::make_shared<const MappedFile>(path)) {
  SafetensorsHeader{*this}.read();
}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name) const {
  const auto it = entries_.find(name);
  KIN_CHECK(it != entries_.end(), path_, ": has no tensor '", name, "'");
  return it->second;
}

std::optional<DType> SafetensorsFile::same_type(Stored stored) {
  switch (stored) {
    case Stored::f64: return DType::f64;
    case Stored::f32: return DType::f32;
    case Stored::bf16: return DType::bf16;
    case Stored::i64: return DType::i64;
    case Stored::i32: return DType::i32;
    case Stored::u8:
    case Stored::boolean: return DType::u8;
    default: return std::nullopt;
  }
}

Tensor SafetensorsFile::mapped(const std::string& name) const {
  const Entry& e = entry(name);
  const auto dtype = same_type(e.type);
  return dtype ? tensor_in(mapping_, mapping_->bytes().data() + data_offset_ + e.begin, e.shape, *dtype) : Tensor();
}

Tensor SafetensorsFile::read(const std::string& name) const {
  const Entry& e = entry(name);
  const auto bytes = mapping_->bytes().subspan(size_t(data_offset_ + e.begin), size_t(e.end - e.begin));
  const uint8_t* from = bytes.data();
  // Element by element for the types that Tensor does not have; memcpy, since the file promises no alignment.
  auto widen = [&]<class Stored, class T>(auto&& convert) {
    Tensor t(e.shape, dtype_of<T>);
    T* to = t.template data<T>();
    for (int64_t i = 0, n = t.numel(); i < n; ++i) {
      Stored v;
      std::memcpy(&v, from + i * sizeof(Stored), sizeof v);
      to[i] = convert(v);
    }
    return t;
  };
  auto plain = [&](DType dtype) {
    Tensor t(e.shape, dtype);
    if (t.bytes()) std::memcpy(t.raw(), from, t.bytes());
    mapping_->forget(bytes);  // or a large file would be in memory twice
    return t;
  };
  if (const auto same = same_type(e.type)) return plain(*same);
  switch (e.type) {
    case Stored::f16: return widen.operator()<uint16_t, float>(half_to_float);
    case Stored::i16: return widen.operator()<int16_t, int32_t>([](int16_t v) { return int32_t(v); });
    case Stored::i8: return widen.operator()<int8_t, int32_t>([](int8_t v) { return int32_t(v); });
    default: break;
  }
  fail(path_, ": '", name, "' has an unknown type");
}

void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  auto type_name = [](DType t) {
    switch (t) {
      case DType::f64: return "F64";
      case DType::f32: return "F32";
      case DType::bf16: return "BF16";
      case DType::i64: return "I64";
      case DType::i32: return "I32";
      case DType::u8: return "U8";
      case DType::f16: break;
    }
    fail("safetensors: ", t, " cannot be written");
  };
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t at = 0;
  for (const auto& [name, t] : tensors) {
    KIN_CHECK(!header.contains(name), "safetensors: two tensors are named '", name, "'");
    header[name] = {{"dtype", type_name(t.dtype())},
                    {"shape", std::vector<int64_t>(t.shape().begin(), t.shape().end())},
                    {"data_offsets", {at, at + t.bytes()}}};
    at += t.bytes();
  }
  std::string json = header.dump();
  json.resize((json.size() + 8 + 63) / 64 * 64 - 8, ' ');  // data starts on 64 bytes, for whoever maps it
  const uint64_t length = json.size();
  AtomicFile file(path);
  file.write(&length, 8);
  file.write(json.data(), json.size());
  for (const auto& [name, t] : tensors) file.write(t.host().raw(), t.bytes());
  file.commit();
}

}  // namespace kintsugi
