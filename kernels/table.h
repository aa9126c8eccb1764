// A kernel family is one plain args struct and one visible table of named rows, best first. Dispatch, tests, the
// benchmark and `kintsugi kernels` all read the same rows.
//
//   const Row<SoftmaxFwd> rows[] = {
//     {"fast", DeviceKind::cpu, f32_only<SoftmaxFwd>, cpu::softmax_fwd_fast, "SIMD along the row, rows in parallel"},
//     {"ref", DeviceKind::cpu, takes_all<SoftmaxFwd>, cpu::softmax_fwd_ref, "plain loops, sums in f64"},
//   };
//   const Family<SoftmaxFwd> softmax_fwd{"softmax_fwd", "y = exp(x) / sum exp(x)", rows};
//   ...
//   softmax_fwd(context, args);     // first row that fits, or the one a KernelChoice names
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/device.h"
#include "kernels/base/dtype.h"

namespace kintsugi {

/// What a kernel runs on. Kernels never allocate device memory or choose a stream themselves.
struct Context {
  Device device;
  void* stream = nullptr;  // cudaStream_t on cuda
};

template <class Args>
struct Row {
  const char* name;                      // "ref", "fast", "naive", "cublas", ...
  DeviceKind where;
  const char* (*refuses)(const Args&);   // nullptr = can run these arguments, else the reason: "needs f32"
  void (*run)(const Context&, const Args&);
  const char* note;                      // one line for `kintsugi kernels`
  bool deterministic = true;             // same input, same bits, whatever the number of threads
};

/// A `refuses` for rows that take everything their family describes.
template <class Args>
const char* takes_all(const Args&) { return nullptr; }
/// A `refuses` for rows that compute in f32 only; Args names its element type `dtype`.
template <class Args>
const char* f32_only(const Args& args) { return args.dtype == DType::f32 ? nullptr : "needs f32"; }

/// What listings need to know of a family, whatever its arguments.
struct RowInfo {
  std::string name;
  DeviceKind where;
  bool deterministic;
  std::string note;
};
class FamilyInfo {
 public:
  FamilyInfo(const char* name, const char* equation);
  virtual ~FamilyInfo();
  FamilyInfo(const FamilyInfo&) = delete;
  FamilyInfo& operator=(const FamilyInfo&) = delete;
  const char* name() const { return name_; }
  const char* equation() const { return equation_; }
  virtual std::vector<RowInfo> row_infos() const = 0;

 protected:
  /// The row's name that a KernelChoice or KINTSUGI_KERNELS wants for this family; empty = best first.
  std::string wanted() const;
  /// The row's name that a KernelPreference has for this call; empty = none.
  std::string preferred(DeviceKind where, const void* args) const;
  [[noreturn]] void none_fits(std::string_view wanted, DeviceKind where, const std::string& reasons) const;

 private:
  const char *name_, *equation_;
};

/// Around a row that runs on another device than the CPU: makes the device current and opens its memory to kernels.
class DeviceCall {
 public:
  explicit DeviceCall(Device device);
  ~DeviceCall();
  DeviceCall(const DeviceCall&) = delete;
  DeviceCall& operator=(const DeviceCall&) = delete;
  /// Throws Error naming family and row when a launch was refused or an earlier kernel had failed.
  void check(const char* family, const char* row) const;

 private:
  Device device_;
};

/// Every family linked into the program, sorted by name.
std::vector<const FamilyInfo*> all_families();

/// Rows chosen by name while the guard lives: KernelChoice guard("conv2d_*", "ref"). `*` matches any run of characters.
/// A later guard wins over an earlier one. Throws UsageError when no family has such a name, or none of the matched ones has such
/// a row; a matched family without that row keeps its usual choice only when the pattern has a `*`. Guards are process-wide:
/// open them where no kernel is running on another thread.
class KernelChoice {
 public:
  KernelChoice(std::string family_pattern, std::string row);
  ~KernelChoice();
  KernelChoice(const KernelChoice&) = delete;
  KernelChoice& operator=(const KernelChoice&) = delete;

 private:
  size_t id_;
};

/// Opens choices for the rest of the program from "conv2d_fwd=ref,softmax_*=fast". Throws UsageError as KernelChoice does.
void choose_kernels(std::string_view list);

/// Rows by call while the guard lives, as measured ones are replayed: asked for every call that no KernelChoice decides, with the family, the
/// kind of device and the family's args. It answers a row's name, or "" for the first that fits, which is also taken where the row named
/// refuses the call. Process-wide, one at a time; open it where no kernel is running on another thread.
class KernelPreference {
 public:
  using Ask = std::function<std::string(const FamilyInfo&, DeviceKind, const void* args)>;
  explicit KernelPreference(Ask ask);
  ~KernelPreference();
  KernelPreference(const KernelPreference&) = delete;
  KernelPreference& operator=(const KernelPreference&) = delete;
};

template <class Args>
class Family : public FamilyInfo {
 public:
  template <size_t N>
  Family(const char* name, const char* equation, const Row<Args> (&rows)[N]) : FamilyInfo(name, equation), rows_(rows) {}

  std::span<const Row<Args>> rows() const { return rows_; }

  /// The first row on `where` that takes these arguments, or the one chosen by name or preferred for this call. Throws Error listing every
  /// row and why it refused when none fits.
  const Row<Args>& pick(DeviceKind where, const Args& args) const {
    const std::string want = wanted();
    if (want.empty())
      if (const std::string best = preferred(where, &args); !best.empty())
        for (const auto& row : rows_)
          if (row.where == where && best == row.name && !row.refuses(args)) return row;
    for (const auto& row : rows_)
      if (row.where == where && (want.empty() || want == row.name) && !row.refuses(args)) return row;
    std::string reasons;
    for (const auto& row : rows_) {
      const char* why = row.where != where ? "is for another device" : row.refuses(args);
      reasons += std::string("\n  ") + row.name + " (" + kintsugi::name(row.where) + "): " + (why ? why : "fits, but was not asked for");
    }
    none_fits(want, where, reasons);
  }

  void operator()(const Context& context, const Args& args) const {
    const Row<Args>& row = pick(context.device.kind, args);
    if (context.device.kind == DeviceKind::cpu) return row.run(context, args);
    const DeviceCall call(context.device);
    row.run(context, args);
    call.check(name(), row.name);
  }

  std::vector<RowInfo> row_infos() const override {
    std::vector<RowInfo> infos;
    for (const auto& r : rows_) infos.push_back({r.name, r.where, r.deterministic, r.note});
    return infos;
  }

 private:
  std::span<const Row<Args>> rows_;
};

}  // namespace kintsugi
