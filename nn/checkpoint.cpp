#include "nn/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "autograd/finite_watch.h"
#include "kernels/base/pattern.h"
#include "nn/stored_parameter.h"

namespace kintsugi {
namespace {

template <class T>
void transpose_inner(const T* src, T* dst, int64_t outer, int64_t rows, int64_t cols) {
  for (int64_t o = 0; o < outer; ++o, src += rows * cols, dst += rows * cols)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) dst[c * rows + r] = src[r * cols + c];
}

// [A, rows..., cols...] -> [A, cols..., rows...] for a rank-4 tensor: all conversions between channels first and last are this.
Tensor swap_inner(const Tensor& given, Shape result, int64_t rows, int64_t cols) {
  const Tensor t = given.host();
  Tensor out(result, t.dtype());
  switch (size_of(t.dtype())) {
    case 8:
      transpose_inner(static_cast<const uint64_t*>(t.raw()), static_cast<uint64_t*>(out.raw()), t.dim(0), rows, cols);
      break;
    case 4:
      transpose_inner(static_cast<const uint32_t*>(t.raw()), static_cast<uint32_t*>(out.raw()), t.dim(0), rows, cols);
      break;
    case 2:
      transpose_inner(static_cast<const uint16_t*>(t.raw()), static_cast<uint16_t*>(out.raw()), t.dim(0), rows, cols);
      break;
    default:
      transpose_inner(static_cast<const uint8_t*>(t.raw()), static_cast<uint8_t*>(out.raw()), t.dim(0), rows, cols);
      break;
  }
  return out;
}

Shape channels_first(const Shape& s) { return {s[0], s[3], s[1], s[2]}; }
Shape channels_last(const Shape& s) { return {s[0], s[2], s[3], s[1]}; }

bool is_float(DType t) { return t == DType::f32 || t == DType::f64 || t == DType::bf16 || t == DType::f16; }

// At most this many names of each kind of complaint: enough to see the pattern, short enough to read.
constexpr size_t kShown = 40;

void complain(std::string& message, const char* what, const std::vector<std::string>& items) {
  if (items.empty()) return;
  message += text("\n  ", what, " (", items.size(), "):");
  for (size_t i = 0; i < items.size() && i < kShown; ++i) message += "\n    " + items[i];
  if (items.size() > kShown) message += text("\n    and ", items.size() - kShown, " more");
}

}  // namespace

Tensor nhwc_to_nchw(const Tensor& t) {
  KIN_CHECK(t.rank() == 4, "nhwc_to_nchw: a rank-4 tensor is needed, got ", t);
  return swap_inner(t, channels_first(t.shape()), t.dim(1) * t.dim(2), t.dim(3));
}

Tensor nchw_to_nhwc(const Tensor& t) {
  KIN_CHECK(t.rank() == 4, "nchw_to_nhwc: a rank-4 tensor is needed, got ", t);
  return swap_inner(t, channels_last(t.shape()), t.dim(1), t.dim(2) * t.dim(3));
}

Tensor to_file_layout(const Tensor& t, Layout layout) { return layout == Layout::conv ? nhwc_to_nchw(t) : t; }
Tensor from_file_layout(const Tensor& t, Layout layout) { return layout == Layout::conv ? nchw_to_nhwc(t) : t; }
Shape file_shape(const Shape& shape, Layout layout) { return layout == Layout::conv ? channels_first(shape) : shape; }

void save_checkpoint(const std::string& path, const CheckpointInfo& info, const std::vector<CheckpointPart>& parts,
                     const NamedTensors& extra, const Metadata& more) {
  Metadata metadata{{"format", "kintsugi"},
                    {"format_version", std::to_string(kCheckpointVersion)},
                    {"kind", info.kind},
                    {"arguments", info.arguments}};
  for (const auto& [key, value] : more)
    KIN_CHECK(metadata.emplace(key, value).second, "save_checkpoint: the metadata key ", key, " is reserved");
  NamedTensors tensors;
  for (const CheckpointPart& part : parts)
    for (const ParameterStore::Entry& e : part.store->entries())
      tensors.emplace_back(part.prefix + e.name, to_file_layout(e.value(), e.layout));
  tensors.insert(tensors.end(), extra.begin(), extra.end());
  write_safetensors(path, tensors, metadata);
}

CheckpointInfo checkpoint_info(const SafetensorsFile& file) {
  const auto get = [&](const char* key) {
    const auto found = file.metadata().find(key);
    KIN_CHECK(found != file.metadata().end(), file.path(), ": is no checkpoint of this program (its metadata has no '", key,
              "')");
    return found->second;
  };
  KIN_CHECK(get("format") == "kintsugi", file.path(), ": is no checkpoint of this program (format '", get("format"), "')");
  const std::string version = get("format_version");
  int number = 0;
  const auto parsed = std::from_chars(version.data(), version.data() + version.size(), number);
  KIN_CHECK(
      parsed.ec == std::errc{} && parsed.ptr == version.data() + version.size() && number >= 1 && number <= kCheckpointVersion,
      file.path(), ": format_version must be 1 to ", kCheckpointVersion, ", got '", version, "'");
  return {get("kind"), get("arguments")};
}

CheckpointInfo checkpoint_info(const SafetensorsFile& file, const std::string& kind) {
  CheckpointInfo info = checkpoint_info(file);
  KIN_CHECK(info.kind == kind, file.path(), ": holds a ", info.kind, ", expected a ", kind);
  return info;
}

TensorSource source_of(const SafetensorsFile& file) {
  return {file.path(), file.names(), [&file](const std::string& n) { return file.shape(n); },
          [&file](const std::string& n) { return file.read(n); }, [&file](const std::string& n) { return file.mapped(n); }};
}

void load_parameters(const TensorSource& source, ParameterStore& store, const std::string& prefix,
                     const std::vector<std::string>& part, Reading reading) {
  std::vector<const ParameterStore::Entry*> wanted;
  for (const ParameterStore::Entry& e : store.entries())
    if (std::any_of(part.begin(), part.end(), [&](const std::string& pattern) { return matches_pattern(e.name, pattern); }))
      wanted.push_back(&e);

  std::unordered_set<std::string> left;
  for (const std::string& name : source.names)
    if (name.starts_with(prefix)) left.insert(name);

  std::vector<std::string> missing, shapes, unexpected;
  for (const ParameterStore::Entry* e : wanted) {
    const std::string name = prefix + e->name;
    if (!left.erase(name)) {
      missing.push_back(name);
      continue;
    }
    const Shape want = file_shape(e->value().shape(), e->layout), got = source.shape(name);
    if (got != want) shapes.push_back(text(name, " must be ", want, ", got ", got));
  }
  for (const std::string& name : source.names)
    if (left.count(name)) unexpected.push_back(name);

  std::string message;
  complain(message, "missing", missing);
  complain(message, "unexpected", unexpected);
  complain(message, "of another shape", shapes);
  KIN_CHECK(message.empty(), source.origin, ": does not fit this network", message);

  for (const ParameterStore::Entry* e : wanted) {
    if (reading == Reading::mapped && !e->is_buffer()) {
      const Tensor stored = source.mapped(prefix + e->name);
      if (stored && stored.dtype() == DType::f32 && e->param.dtype() == DType::f32 && e->param.value().device() == Device{}) {
        e->param.set_value(stored_parameter(stored, e->param.shape(), e->layout, text(source.origin, ": ", prefix, e->name)));
        continue;
      }
    }
    const Tensor read = source.read(prefix + e->name);
    Tensor target = e->value();
    KIN_CHECK(is_float(read.dtype()) == is_float(target.dtype()), source.origin, ": ", prefix, e->name, " must be ",
              target.dtype(), ", got ", read.dtype());
    target.copy_(from_file_layout(read, e->layout));
    if (reading == Reading::mapped) KIN_CHECK(all_finite(target), source.origin, ": ", prefix, e->name, ": holds numbers that are not finite");
  }
}

void load_parameters(const SafetensorsFile& file, ParameterStore& store, const std::string& prefix,
                     const std::vector<std::string>& part) {
  load_parameters(source_of(file), store, prefix, part);
}

void load_checkpoint(const std::string& path, const std::string& kind, ParameterStore& store, const std::string& prefix) {
  const SafetensorsFile file(path);
  checkpoint_info(file, kind);
  load_parameters(file, store, prefix);
}

}  // namespace kintsugi
