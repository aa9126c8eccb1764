#include "nn/scope.h"

#include "kernels/base/pattern.h"
#include "kernels/base/philox.h"

namespace kintsugi {
namespace {

// Memory that is taken when it is first asked for: a parameter that will stay in its file never asks.
class Unwritten final : public Origin {
 public:
  explicit Unwritten(size_t bytes) : bytes_(bytes) {}
  void* bring() override { return take_block(bytes_); }
  void let_go(void* data) override { give_block(data, bytes_); }
  bool brings_again() const override { return false; }

 private:
  size_t bytes_;
};

Tensor unwritten(const Shape& shape, DType dtype) {
  return Tensor::from(std::make_unique<Unwritten>(size_t(shape.numel()) * size_of(dtype)), shape, dtype);
}

}  // namespace

ParameterStore::ParameterStore(StoreOptions options) : options_(options) {
  KIN_CHECK(options.dtype == DType::f32 || options.dtype == DType::f64, "parameter_store: dtype must be f32 or f64, got ",
            options.dtype);
  mode_->stored = mode_->compute = options.dtype;
  if (options.bf16_compute) compute_in_bf16();
}

void ParameterStore::compute_in_bf16(bool on) {
  KIN_CHECK(!on || (dtype() == DType::f32 && device().kind != DeviceKind::cpu),
            "parameter_store: bf16 arithmetic needs f32 parameters on cuda or sim, got ", dtype(), " on ", device());
  mode_->compute = on ? DType::bf16 : dtype();
}

ParameterStore::Entry& ParameterStore::add(Entry entry) {
  KIN_CHECK(index_.emplace(entry.name, entries_.size()).second, "parameter_store: the name ", entry.name, " is taken");
  return entries_.emplace_back(std::move(entry));
}

const ParameterStore::Entry& ParameterStore::at(const std::string& name) const {
  const auto found = index_.find(name);
  KIN_CHECK(found != index_.end(), "parameter_store: there is no ", name);
  return entries_[found->second];
}

const Var& ParameterStore::param_of(const Entry& e) {
  KIN_CHECK(!e.is_buffer(), "parameter_store: ", e.name, " is a buffer, not a parameter");
  return e.param;
}

int ParameterStore::set_trainable(std::string_view pattern, bool on) {
  int matched = 0;
  for (Entry& e : entries_) {
    if (e.is_buffer() || !matches_pattern(e.name, pattern)) continue;
    e.param.set_needs_grad(on);
    ++matched;
  }
  KIN_CHECK(matched > 0, "parameter_store: no parameter matches '", pattern, "'");
  return matched;
}

ParameterList ParameterStore::select(bool trainable_only) const {
  ParameterList out;
  for (const Entry& e : entries_)
    if (!e.is_buffer() && (!trainable_only || e.param.needs_grad())) out.push_back({e.name, e.param});
  return out;
}

Vars ParameterStore::trainable_vars() const {
  Vars out;
  for (NamedVar& p : trainable()) out.push_back(std::move(p.var));
  return out;
}

void release(const Vars& parameters) {
  for (const Var& p : parameters) p.value().release();
}

Vars Registered::parameters() const {
  Vars out;
  for (size_t i = begin_; i < store_->entries().size(); ++i)
    if (const ParameterStore::Entry& e = store_->entries()[i]; !e.is_buffer()) out.push_back(e.param);
  return out;
}

void ParameterStore::zero_grad() const {
  for (const Entry& e : entries_)
    if (!e.is_buffer()) e.param.zero_grad();
}

int64_t ParameterStore::parameter_count() const {
  int64_t n = 0;
  for (const Entry& e : entries_)
    if (!e.is_buffer()) n += e.param.numel();
  return n;
}

int64_t ParameterStore::trainable_count() const {
  int64_t n = 0;
  for (const Entry& e : entries_)
    if (!e.is_buffer() && e.param.needs_grad()) n += e.param.numel();
  return n;
}

int64_t ParameterStore::state_count() const {
  int64_t n = 0;
  for (const Entry& e : entries_) n += e.value().numel();
  return n;
}

uint64_t ParameterStore::state_hash() const {
  uint64_t h = fnv1a64("");
  for (const Entry& e : entries_) {
    const Tensor t = e.value().host();
    h = fnv1a64(text(e.name, t.shape(), t.dtype()), h);
    h = fnv1a64({static_cast<const char*>(t.raw()), t.bytes()}, h);
  }
  return h;
}

Var Scope::param(std::string_view name, Shape shape, Init init, Layout layout) const {
  const std::string full = join(name);
  const StoreOptions& o = store_->options_;
  const OpName op(full.c_str());  // running out of memory names the parameter
  Tensor value = o.initialise                        ? init.make(shape, o.seed, full, o.dtype).to(o.device)
                 : o.device.kind == DeviceKind::cpu ? unwritten(shape, o.dtype)
                                                    : Tensor(shape, o.dtype, o.device);
  return store_->add({full, Var(std::move(value), true), {}, layout}).param;
}

Tensor Scope::buffer(std::string_view name, Shape shape, double value, DType dtype) const {
  // Counters stay where the CPU reads and raises them.
  const bool number = dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16;
  return store_->add({join(name), {}, Tensor::full(shape, value, dtype, number ? store_->device() : Device{}), Layout::plain}).buffer;
}

}  // namespace kintsugi
