// Python pickles, read without Python: a machine that can build tensors' descriptions, containers and plain values, and nothing
// else. A pickle is a program that names functions to call; here a call of torch's tensor and parameter builders and of
// OrderedDict is carried out by code of our own, a call of a few well-known harmless types leaves an inert placeholder, and any
// other call is an error that names what was to be called. Nothing is ever executed, imported or opened. Protocols 2 to 4;
// opcodes of torch.save's output.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nn/pth/cursor.h"

namespace kintsugi {

/// Element types of torch.*Storage.
enum class TorchType : uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };
size_t size_of(TorchType t);

/// Memory that tensors share: torch's persistent id. `key` names it in the file.
struct PickledStorage {
  std::string_view key;
  TorchType type;
  int64_t elements;
};

/// A strided view of a storage, as written: not yet checked against the storage's size.
struct PickledTensor {
  uint32_t storage;  // index
  int64_t offset;    // elements
  std::vector<int64_t> size, stride;
};

enum class PickleKind : uint8_t {
  none,
  boolean,
  integer,
  real,
  big_integer,
  string,
  bytes,
  tuple,
  list,
  dict,
  global,
  storage,
  tensor,
  placeholder
};

struct PickleValue {
  PickleKind kind = PickleKind::none;
  int64_t integer = 0;  // boolean, integer; the index of an object, storage or tensor for the other kinds
  double real = 0;
};

/// What containers and names consist of. Views point into the pickle's bytes.
struct PickleObject {
  std::string_view text;           // string, bytes, big_integer (little-endian bytes); module of a global or placeholder
  std::string_view name;           // of a global or placeholder
  std::vector<PickleValue> items;  // tuple, list; dict: key, value, key, value
};

/// The result. Containers may contain themselves, as in Python: whoever walks it limits the depth.
struct Pickle {
  PickleValue root;
  size_t bytes_read = 0;  // several pickles may follow each other
  std::vector<PickleObject> objects;
  std::vector<PickledStorage> storages;
  std::vector<PickledTensor> tensors;

  const PickleObject& object(const PickleValue& v) const { return objects[size_t(v.integer)]; }
  std::string_view text(const PickleValue& v) const { return object(v).text; }
};

/// Reads the pickle at the start of `bytes`, which must outlive the result; `path` stands in messages. Throws Error for: a call
/// of anything not allowed (names it); an opcode, storage type or protocol not known; a stack or memo used wrongly; more than
/// four million objects; cut data.
Pickle unpickle(Bytes bytes, const std::string& path);

}  // namespace kintsugi
