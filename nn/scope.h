// Parameters live in one flat, ordered store; a module is a plain struct whose constructor registers them through a Scope, a
// dotted path into the store. Names equal the published checkpoints' names, so there is no table of renamings:
//
//   struct ResBlock {
//     GroupNorm norm1;
//     Conv2d conv1;
//     ResBlock(Scope s, int c) : norm1(s / "norm1", c), conv1(s / "conv1", c, c, 3) {}
//   };
//   ParameterStore store;
//   ResBlock block(store.root() / "encoder" / "blocks" / 1, 64);   // encoder.blocks.1.norm1.weight, ...
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "autograd/named.h"
#include "nn/init.h"

namespace kintsugi {

/// How a tensor lies in a checkpoint file compared with memory.
enum class Layout : uint8_t {
  plain,  // the same
  conv,   // [O,kh,kw,I] here, [O,I,kh,kw] in files. A transposed convolution's weight too: [I,kh,kw,O] here, [I,O,kh,kw] in files
};

/// How the modules of one store run.
struct Mode {
  bool training = true;    // or eval; starts like PyTorch's modules
  bool passing = false;    // inference: blocks release the weights they have used, which a file brings again (Reading::mapped)
  bool recompute = false;  // large blocks keep only their inputs and run again in backward: a third more time, far less memory
  DType stored = DType::f32, compute = DType::f32;  // of the parameters; of the activations (nn/compute.h)
};

struct StoreOptions {
  DType dtype = DType::f32;  // f32 or f64
  uint64_t seed = 0;
  bool initialise = true;  // false: parameters are left unwritten because a checkpoint will be loaded
  Device device = {};      // where parameters and buffers live; the numbers they start with do not depend on it
  bool bf16_compute = false;  // activations and weights' copies in bf16, parameters, gradients and losses in f32; needs a GPU, or sim
};

class Scope;

class ParameterStore {
 public:
  struct Entry {
    std::string name;
    Var param;      // empty for buffers
    Tensor buffer;  // state that is not trained, e.g. running statistics; empty for parameters
    Layout layout = Layout::plain;
    bool is_buffer() const { return !param; }
    Tensor value() const { return param ? param.value() : buffer; }
  };

  explicit ParameterStore(StoreOptions options = {});
  ParameterStore(const ParameterStore&) = delete;  // scopes point here
  ParameterStore& operator=(const ParameterStore&) = delete;

  Scope root();
  DType dtype() const { return options_.dtype; }
  Device device() const { return options_.device; }
  /// From the next forward pass on. Throws Error unless parameters are f32 and the device has kernels for bf16, which the CPU has not.
  void compute_in_bf16(bool on = true);

  /// In order of registration, which is the order of the published state dictionaries.
  const std::vector<Entry>& entries() const { return entries_; }
  bool has(const std::string& name) const { return index_.count(name) > 0; }
  /// Throws Error naming the missing entry.
  const Entry& at(const std::string& name) const;
  /// The parameter of that name; throws Error when there is none or it is a buffer.
  const Var& param(const std::string& name) const { return param_of(at(name)); }

  /// Stops (or resumes) training of the parameters whose name matches `pattern` (kernels/base/pattern.h); '*' takes dots too.
  /// Returns how many matched; throws Error when none did, for a misspelt pattern would train what should be frozen.
  int freeze(std::string_view pattern) { return set_trainable(pattern, false); }
  int unfreeze(std::string_view pattern) { return set_trainable(pattern, true); }

  /// All parameters, or those that are not frozen, in order.
  ParameterList parameters() const { return select(false); }
  ParameterList trainable() const { return select(true); }
  Vars trainable_vars() const;
  void zero_grad() const;

  int64_t parameter_count() const;  // numbers in all parameters
  int64_t trainable_count() const;  // numbers in those that are not frozen
  int64_t state_count() const;      // parameters and buffers
  /// FNV-1a over names, shapes and bytes of everything in order: equal hashes mean the same state.
  uint64_t state_hash() const;

  const std::shared_ptr<Mode>& mode() const { return mode_; }
  bool training() const { return mode_->training; }
  void train(bool on = true) { mode_->training = on; }
  void eval() { train(false); }
  void recompute(bool on = true) { mode_->recompute = on; }
  void passing(bool on = true) { mode_->passing = on; }

 private:
  friend class Scope;
  Entry& add(Entry entry);
  int set_trainable(std::string_view pattern, bool on);
  ParameterList select(bool trainable_only) const;
  static const Var& param_of(const Entry& e);

  StoreOptions options_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> index_;
  std::shared_ptr<Mode> mode_ = std::make_shared<Mode>();
};

/// The parameters registered since it was made: what a block that runs again in backward must name.
class Registered {
 public:
  explicit Registered(const ParameterStore& store) : store_(&store), begin_(store.entries().size()) {}
  Vars parameters() const;

 private:
  const ParameterStore* store_;
  size_t begin_;
};

/// Tensor::release of each: memory goes whose content can be had again.
void release(const Vars& parameters);

class Scope {
 public:
  explicit Scope(ParameterStore& store, std::string path = {}) : store_(&store), path_(std::move(path)) {}
  Scope operator/(std::string_view part) const { return Scope(*store_, join(part)); }
  Scope operator/(int part) const { return *this / std::to_string(part); }
  const std::string& path() const { return path_; }
  ParameterStore& store() const { return *store_; }
  const std::shared_ptr<Mode>& mode() const { return store_->mode(); }

  /// Registers a parameter under path.name. Throws Error when the name is taken.
  Var param(std::string_view name, Shape shape, Init init, Layout layout = Layout::plain) const;
  /// Registers a tensor that is saved but not trained; filled with `value`. The dtype is the store's.
  Tensor buffer(std::string_view name, Shape shape, double value) const { return buffer(name, shape, value, store_->dtype()); }
  Tensor buffer(std::string_view name, Shape shape, double value, DType dtype) const;

 private:
  std::string join(std::string_view part) const { return path_.empty() ? std::string(part) : text(path_, '.', part); }

  ParameterStore* store_;
  std::string path_;
};

inline Scope ParameterStore::root() { return Scope(*this); }

}  // namespace kintsugi
