#include "nn/pth/pth_file.h"

#include <algorithm>

#include "nn/pth/zip.h"
#include "tensor/half.h"
#include "tensor/mapped_file.h"

namespace kintsugi {
namespace {

constexpr uint64_t kMostExtraBytes = uint64_t(16) << 30;

// 0x1950a86a20f9469cfc6c, the first pickle of the legacy form, as little-endian bytes.
constexpr uint8_t kLegacyMagic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
constexpr int64_t kLegacyVersion = 1001;

size_t read_size(TorchType t) {
  switch (t) {
    case TorchType::f16:
    case TorchType::i16:
    case TorchType::i8: return 4;
    default: return size_of(t);
  }
}

// Calls visit(element's offset from the first) in row-major order.
template <class Visit>
void each_element(const Shape& shape, const std::vector<int64_t>& stride, Visit&& visit) {
  const int last = shape.rank() - 1;
  if (last < 0) return visit(0);
  if (shape.numel() == 0) return;
  std::vector<int64_t> index(size_t(shape.rank()), 0);
  for (int64_t row = 0;;) {
    for (int64_t i = 0; i < shape[last]; ++i) visit(row + i * stride[size_t(last)]);
    int axis = last - 1;
    for (; axis >= 0; --axis) {
      row += stride[size_t(axis)];
      if (++index[size_t(axis)] < shape[axis]) break;
      row -= shape[axis] * stride[size_t(axis)];
      index[size_t(axis)] = 0;
    }
    if (axis < 0) return;
  }
}

bool is_dense(const Shape& shape, const std::vector<int64_t>& stride) {
  int64_t expected = 1;
  for (int i = shape.rank(); i-- > 0;) {
    if (shape[i] != 1 && stride[size_t(i)] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

const PickleValue* find(const Pickle& p, const char* key) {
  if (p.root.kind != PickleKind::dict) return nullptr;
  const auto& items = p.object(p.root).items;
  for (size_t i = 0; i + 1 < items.size(); i += 2)
    if (items[i].kind == PickleKind::string && p.text(items[i]) == key) return &items[i + 1];
  return nullptr;
}

}  // namespace

PthFile::PthFile(const std::string& path) : path_(path), mapping_(std::make_shared<const MappedFile>(path)) {
  const Bytes file = mapping_->bytes();
  const bool zip = ZipArchive::begins(file);
  KIN_CHECK(zip || begins_as_pickle(file), path_, ": is not a PyTorch checkpoint (neither a ZIP archive nor a pickle)");
  form_ = zip ? Form::zip : Form::legacy;
  const Contents contents = zip ? read_zip(file) : read_legacy(file);
  StateDict found = find_state_dict(contents.pickle, path_);

  uint64_t room = kMostExtraBytes + file.size();
  for (NamedView& t : found.tensors) {
    const Entry e = view(t.name, contents.pickle.tensors[t.tensor], contents);
    const auto elements = uint64_t(e.shape.numel());
    KIN_CHECK(elements <= room / read_size(e.type), path_, ": refused: its tensors unfold to more than 16 GiB beyond the file's ",
              file.size(), " bytes ('", shown(t.name), "' is ", e.shape, ")");
    room -= elements * read_size(e.type);
    entries_.emplace(t.name, e);
    names_.push_back(std::move(t.name));
  }
  chosen_ = std::move(found.chosen);
  others_ = std::move(found.others);
  more_others_ = found.more_others;
}
PthFile::~PthFile() = default;
PthFile::PthFile(PthFile&&) noexcept = default;

PthFile::Contents PthFile::read_zip(Bytes file) {
  const ZipArchive zip(file, path_);
  std::string folder;
  int pickles = 0;
  for (const std::string& name : zip.names()) {
    if (!name.ends_with("/data.pkl") || std::count(name.begin(), name.end(), '/') != 1) continue;
    folder = name.substr(0, name.size() - std::string("data.pkl").size());
    ++pickles;
  }
  KIN_CHECK(pickles == 1, path_, ": is a ZIP archive but not one of torch.save: it holds ", pickles,
            " entries data.pkl, expected 1");
  KIN_CHECK(!zip.has(folder + "constants.pkl"), path_,
            ": is a TorchScript program; save the state dict alone with torch.save(model.state_dict(), ...)");
  if (zip.has(folder + "byteorder")) {
    const Bytes order = zip.at(folder + "byteorder");
    const std::string_view text(reinterpret_cast<const char*>(order.data()), order.size());
    KIN_CHECK(text == "little", path_, ": its byte order must be little, got '", shown(text), "'");
  }
  Contents out{unpickle(zip.at(folder + "data.pkl"), path_), {}};
  for (const PickledStorage& s : out.pickle.storages) {
    const std::string name = folder + "data/" + std::string(s.key);
    KIN_CHECK(zip.has(name), path_, ": storage '", shown(s.key), "' is missing");
    out.storages.push_back(zip.at(name));
  }
  return out;
}

PthFile::Contents PthFile::read_legacy(Bytes file) {
  size_t at = 0;
  const auto next = [&] {
    Pickle p = unpickle(file.subspan(at), path_);
    at += p.bytes_read;
    return p;
  };
  const Pickle magic = next();
  const std::string_view expected(reinterpret_cast<const char*>(kLegacyMagic), sizeof kLegacyMagic);
  KIN_CHECK(magic.root.kind == PickleKind::big_integer && magic.text(magic.root) == expected, path_,
            ": is a pickle, but not a checkpoint of torch.save");
  const Pickle version = next();
  KIN_CHECK(version.root.kind == PickleKind::integer && version.root.integer == kLegacyVersion, path_,
            ": is of a version of the legacy form that is not known");
  const Pickle system = next();
  const PickleValue* little = find(system, "little_endian");
  KIN_CHECK(little && little->kind == PickleKind::boolean && little->integer == 1, path_, ": its byte order must be little");

  Contents out{next(), {}};
  const Pickle keys = next();
  KIN_CHECK(keys.root.kind == PickleKind::list, path_, ": damaged: the list of its storages is missing");
  out.storages.resize(out.pickle.storages.size());
  std::map<std::string_view, size_t> by_key;
  for (size_t i = 0; i < out.pickle.storages.size(); ++i) by_key[out.pickle.storages[i].key] = i;
  Cursor data(file, path_, at);
  for (const PickleValue& key : keys.object(keys.root).items) {
    KIN_CHECK(key.kind == PickleKind::string, path_, ": damaged: a storage has no name");
    const auto found = by_key.find(keys.text(key));
    KIN_CHECK(found != by_key.end(), path_, ": damaged: storage '", shown(keys.text(key)),
              "' belongs to no tensor, or is listed twice");
    const PickledStorage& storage = out.pickle.storages[found->second];
    const auto elements = data.number<int64_t>();
    KIN_CHECK(elements == storage.elements, path_, ": storage '", shown(storage.key), "' has ", elements, " elements, expected ",
              storage.elements);
    KIN_CHECK(uint64_t(elements) <= data.left() / size_of(storage.type), path_, ": is cut short: storage '", shown(storage.key),
              "' needs ", elements, " elements, ", data.left(), " bytes are left");
    out.storages[found->second] = data.take(uint64_t(elements) * size_of(storage.type));
    by_key.erase(found);
  }
  KIN_CHECK(by_key.empty(), path_, ": storage '", shown(by_key.begin()->first), "' is missing");
  return out;
}

PthFile::Entry PthFile::view(const std::string& name, const PickledTensor& t, const Contents& contents) const {
  const PickledStorage& storage = contents.pickle.storages[t.storage];
  const Bytes data = contents.storages[t.storage];
  const auto bad = [&](const auto&... parts) { fail(path_, ": '", shown(name), "': ", parts...); };
  if (uint64_t(storage.elements) > data.size() / size_of(storage.type))
    bad("its storage '", shown(storage.key), "' needs ", storage.elements, " elements and has ", data.size(), " bytes");
  if (t.size.size() > Shape::kMaxRank) bad("has rank ", t.size.size(), ", at most ", Shape::kMaxRank, " is supported");
  if (t.offset < 0) bad("begins at element ", t.offset, " of its storage");
  int64_t numel = 1, last = t.offset;  // of the storage
  for (size_t i = 0; i < t.size.size(); ++i) {
    if (t.size[i] < 0 || t.stride[i] < 0) bad("has a size of ", t.size[i], " with stride ", t.stride[i]);
    if (__builtin_mul_overflow(numel, t.size[i], &numel)) bad("the product of its shape overflows");
  }
  if (numel > 0) {
    for (size_t i = 0; i < t.size.size(); ++i) {
      int64_t reach;
      if (__builtin_mul_overflow(t.size[i] - 1, t.stride[i], &reach) || __builtin_add_overflow(last, reach, &last))
        bad("its strides overflow");
    }
    if (last >= storage.elements) bad("reaches element ", last, " of a storage of ", storage.elements);
  }
  const uint8_t* first = numel > 0 ? data.data() + size_t(t.offset) * size_of(storage.type) : nullptr;
  return {storage.type, Shape(t.size), t.stride, first};
}

const PthFile::Entry& PthFile::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  KIN_CHECK(found != entries_.end(), path_, ": has no tensor '", shown(name), "'");
  return found->second;
}

Tensor PthFile::read(const std::string& name) const {
  const Entry& e = entry(name);
  // memcpy for every element, since nothing promises alignment.
  const auto gather = [&]<class Stored, class T>(auto&& convert) {
    Tensor out(e.shape, dtype_of<T>);
    T* to = out.template data<T>();
    each_element(e.shape, e.stride, [&](int64_t at) {
      Stored v;
      std::memcpy(&v, e.first + at * int64_t(sizeof v), sizeof v);
      *to++ = convert(v);
    });
    return out;
  };
  const auto same = [&]<class T>(T*) {
    if (!is_dense(e.shape, e.stride)) return gather.template operator()<T, T>([](T v) { return v; });
    Tensor out(e.shape, dtype_of<T>);
    if (out.bytes()) {
      std::memcpy(out.raw(), e.first, out.bytes());
      mapping_->forget({e.first, out.bytes()});  // or a large file would be in memory twice
    }
    return out;
  };
  switch (e.type) {
    case TorchType::f64: return same(static_cast<double*>(nullptr));
    case TorchType::f32: return same(static_cast<float*>(nullptr));
    case TorchType::bf16: return same(static_cast<bf16*>(nullptr));
    case TorchType::i64: return same(static_cast<int64_t*>(nullptr));
    case TorchType::i32: return same(static_cast<int32_t*>(nullptr));
    case TorchType::u8: return same(static_cast<uint8_t*>(nullptr));
    case TorchType::f16: return gather.operator()<uint16_t, float>(half_to_float);
    case TorchType::i16: return gather.operator()<int16_t, int32_t>([](int16_t v) { return int32_t(v); });
    case TorchType::i8: return gather.operator()<int8_t, int32_t>([](int8_t v) { return int32_t(v); });
    case TorchType::boolean: return gather.operator()<uint8_t, uint8_t>([](uint8_t v) { return uint8_t(v != 0); });
  }
  fail(path_, ": '", shown(name), "' has an unknown type");
}

Tensor PthFile::mapped(const std::string& name) const {
  const Entry& e = entry(name);
  if (e.type != TorchType::f32 || e.shape.numel() == 0 || !is_dense(e.shape, e.stride)) return {};
  return tensor_in(mapping_, e.first, e.shape, DType::f32);
}

TensorSource source_of(const PthFile& file) {
  return {file.path(), file.names(), [&file](const std::string& n) { return file.shape(n); },
          [&file](const std::string& n) { return file.read(n); }, [&file](const std::string& n) { return file.mapped(n); }};
}

}  // namespace kintsugi
