// PyTorch's checkpoint files, read without PyTorch and without running anything that they name: the ZIP form (torch.save
// since 1.6) and the form before it, a run of pickles followed by raw storages.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/checkpoint.h"
#include "nn/pth/state_dict.h"

namespace kintsugi {

class MappedFile;

/// A file opened for reading. Names and shapes are read and checked here, values are copied by read().
class PthFile {
 public:
  enum class Form : uint8_t { zip, legacy };

  /// Throws Error naming the file for: neither form; big-endian data; TorchScript archives and the tar form (with a hint); what
  /// ZipArchive, unpickle and find_state_dict refuse; a storage that is missing or too short; a view that reaches outside its
  /// storage, of rank above 6 or with a negative size, stride or offset; tensors that would take more than 16 GiB beyond the
  /// file's own size (views can repeat elements).
  explicit PthFile(const std::string& path);
  ~PthFile();
  PthFile(PthFile&&) noexcept;

  const std::string& path() const { return path_; }
  Form form() const { return form_; }
  /// The entry that held the tensors, e.g. "params_ema"; "" when they stood at the top.
  const std::string& chosen() const { return chosen_; }
  /// In the file's order.
  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  const Shape& shape(const std::string& name) const { return entry(name).shape; }
  TorchType type(const std::string& name) const { return entry(name).type; }
  /// A dense copy on the CPU. f16 becomes f32, int8 and int16 become i32, bool becomes u8 (0 or 1); other types stay as they are.
  /// Throws Error when there is no such tensor.
  Tensor read(const std::string& name) const;
  /// The tensor where it lies in the mapped file (tensor_in of mapped_file.h), without a copy; an empty Tensor where read() converts
  /// or gathers, and for data that is not aligned.
  Tensor mapped(const std::string& name) const;

  /// What else the file holds, for reports.
  const std::vector<NonTensor>& others() const { return others_; }
  size_t more_others() const { return more_others_; }

  /// The first bytes of the legacy form, and those of any pickle.
  static bool begins_as_pickle(Bytes file) { return file.size() >= 2 && file[0] == 0x80 && file[1] >= 2 && file[1] <= 5; }

 private:
  struct Entry {
    TorchType type;
    Shape shape;
    std::vector<int64_t> stride;  // elements
    const uint8_t* first;         // element [0,0,...]
  };
  struct Contents {
    Pickle pickle;
    std::vector<Bytes> storages;  // one per Pickle::storages
  };
  Contents read_zip(Bytes file);
  Contents read_legacy(Bytes file);
  Entry view(const std::string& name, const PickledTensor& t, const Contents& contents) const;
  const Entry& entry(const std::string& name) const;

  std::string path_;
  Form form_ = Form::zip;
  std::string chosen_;
  std::vector<std::string> names_;
  std::map<std::string, Entry> entries_;
  std::vector<NonTensor> others_;
  size_t more_others_ = 0;
  std::shared_ptr<const MappedFile> mapping_;
};

/// The file must outlive the source.
TensorSource source_of(const PthFile& file);

}  // namespace kintsugi
