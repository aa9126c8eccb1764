#include "nn/open_checkpoint.h"

#include <memory>

#include "nn/pth/pth_file.h"
#include "nn/pth/zip.h"
#include "tensor/mapped_file.h"

namespace kintsugi {
namespace {

// The source's functions share ownership of the file.
template <class File>
TensorSource owning(const std::string& path) {
  const auto file = std::make_shared<const File>(path);
  return {path, file->names(), [file](const std::string& n) { return file->shape(n); },
          [file](const std::string& n) { return file->read(n); }, [file](const std::string& n) { return file->mapped(n); }};
}

bool has_text(Bytes file, size_t at, std::string_view text) {
  return at <= file.size() && text.size() <= file.size() - at && std::memcmp(file.data() + at, text.data(), text.size()) == 0;
}

}  // namespace

const char* name(WeightFormat f) {
  switch (f) {
    case WeightFormat::safetensors: return "safetensors";
    case WeightFormat::pth_zip: return "PyTorch (zip)";
    case WeightFormat::pth_legacy: return "PyTorch (legacy)";
  }
  return "?";
}

WeightFormat weight_format(const std::string& path) {
  const MappedFile mapping(path);
  const Bytes file = mapping.bytes();
  KIN_CHECK(!file.empty(), path, ": is empty");
  if (has_text(file, 8, "{")) return WeightFormat::safetensors;  // after the header's length
  if (ZipArchive::begins(file)) return WeightFormat::pth_zip;
  if (PthFile::begins_as_pickle(file)) return WeightFormat::pth_legacy;
  constexpr const char* kKnown = "expected safetensors or a PyTorch checkpoint";
  KIN_CHECK(!has_text(file, 257, "ustar"), path,
            ": is a tar archive, as PyTorch wrote before 0.1.10; load and save it with a newer PyTorch");
  KIN_CHECK(!has_text(file, 0, "<") && !has_text(file, 0, "version https://git-lfs"), path,
            ": is a page or a pointer in place of the weights (a download that failed); ", kKnown);
  fail(path, ": is not a file of weights; ", kKnown);
}

TensorSource open_checkpoint(const std::string& path) {
  return weight_format(path) == WeightFormat::safetensors ? owning<SafetensorsFile>(path) : owning<PthFile>(path);
}

}  // namespace kintsugi
