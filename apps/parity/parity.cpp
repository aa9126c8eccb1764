#include "apps/parity/parity.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/parity/parity_case.h"
#include "autograd/precision.h"
#include "kernels/base/pattern.h"
#include "tensor/atomic_file.h"

namespace kintsugi {
namespace parity {
namespace {

bool fits(const std::string& name, const std::string& wanted) {
  if (wanted.find('*') == std::string::npos) return name.find(wanted) != std::string::npos;
  return matches_pattern(name, wanted);
}

/// Which cases a caller asked for.
struct Selection {
  const ParityOptions& options;
  bool left_out(const std::string& name) const {
    return std::any_of(options.except.begin(), options.except.end(), [&](const std::string& e) { return fits(name, e); });
  }
  bool takes(const std::string& name) const { return fits(name, options.only) && !left_out(name); }
};

std::vector<std::filesystem::path> golden_files(const std::filesystem::path& dir) {
  if (std::filesystem::is_regular_file(dir)) return {dir};
  if (!std::filesystem::is_directory(dir)) throw UsageError(text("parity: no such folder: ", dir.string()));
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir))
    if (entry.is_regular_file() && entry.path().extension() == ".safetensors") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  if (files.empty()) throw UsageError(text("parity: no .safetensors file in ", dir.string()));
  return files;
}

class Report {
 public:
  Report(std::ostream& out, bool failures_only) : out_(out), failures_only_(failures_only) {}

  void ran(const std::string& name, const Check& check) {
    if (cases_++ == 0)
      out_ << fmt::format("{:<44} {:<48} {:>4} {:>6} {:>10} {:>10}  ok\n", "case", "tensor", "type", "rule", "error", "tolerance");
    bool held = true;
    for (const Comparison& c : check.rows()) {
      held &= c.ok;
      ++(c.ok ? passed_ : failed_);
      kinks_ += c.kink;
      if (!c.ok || c.kink || !failures_only_) print(name, c);
      rows_.push_back({{"case", name}, {"tensor", c.tensor}, {"dtype", kintsugi::name(c.dtype)}, {"rule", c.rule}, {"error", c.error},
                       {"tolerance", c.tolerance}, {"ok", c.ok}, {"kink", c.kink}, {"note", c.note}});
    }
    if (!held) failed_cases_.push_back(name);
    out_.flush();
  }

  void set_aside(const std::string& name, Standing standing) { aside_[standing].push_back(name); }

  void leave_out(const std::string& name) { left_out_.push_back(name); }

  bool saw_something() const { return cases_ > 0 || !aside_.empty(); }
  /// Files whose names say nothing, when nothing was compared; otherwise empty.
  std::vector<std::string> only_unknown() { return cases_ == 0 ? aside_[Standing::unknown] : std::vector<std::string>{}; }

  int finish() {
    list("data for other cases", aside_[Standing::data]);
    list("left out", left_out_);
    list("not built yet", aside_[Standing::not_built]);
    list("unknown", aside_[Standing::unknown]);
    list("FAILED", failed_cases_);
    out_ << fmt::format("{} comparisons in {} cases: {} held, {} failed; {} not built yet, {} unknown\n", passed_ + failed_, cases_, passed_,
                        failed_, aside_[Standing::not_built].size(), aside_[Standing::unknown].size());
    if (kinks_)
      out_ << fmt::format("{} of those that held are f32 gradients with a unit on the other side of a kink; the same in f64 hold\n", kinks_);
    return failed_ ? 4 : 0;
  }

  Json json() {
    return {{"passed", passed_},      {"failed", failed_},
            {"cases", cases_},        {"failed_cases", failed_cases_},
            {"left_out", left_out_},
            {"not_built", aside_[Standing::not_built]}, {"unknown", aside_[Standing::unknown]},
            {"comparisons", rows_}};
  }

 private:
  void print(const std::string& name, const Comparison& c) {
    out_ << fmt::format("{:<44} {:<48} {:>4} {:>6} {:>10.2e} {:>10.2e}  {}\n", name, c.tensor, kintsugi::name(c.dtype), c.rule, c.error,
                        c.tolerance, c.kink ? "kink" : c.ok ? "yes" : "NO  " + c.note);
  }
  void list(const char* title, const std::vector<std::string>& names) {
    if (names.empty()) return;
    out_ << title << ":\n";
    for (const std::string& n : names) out_ << "  " << n << '\n';
  }

  std::ostream& out_;
  bool failures_only_;
  int cases_ = 0, passed_ = 0, failed_ = 0, kinks_ = 0;
  std::vector<std::string> failed_cases_, left_out_;
  std::map<Standing, std::vector<std::string>> aside_;
  Json rows_ = Json::array();
};

void refuse(const std::string& path, Check& check) {
  try {
    SafetensorsFile file(path);
    check.fail("file", "a damaged file was accepted");
  } catch (const Error& e) {
    check.row("file", "refuse", 0, 0, e.what());
  }
}

void run_case(const std::string& name, const std::function<void(Check&)>& run, Report& report) {
  Check check;
  try {
    run(check);
  } catch (const std::exception& e) {
    check.fail("threw", e.what());
  }
  check.settle_kinks();
  if (check.rows().empty()) check.fail("nothing", "the case compared nothing");
  report.ran(name, check);
}

void run_file(const std::filesystem::path& path, const std::string& label, const Selection& selection, Report& report) {
  const ParityKind* kind = find_parity_kind(std::filesystem::absolute(path).lexically_normal().replace_extension().generic_string());
  if (!kind) {
    if (selection.takes(label)) report.set_aside(label, Standing::unknown);
    return;
  }
  if (kind->must_be_refused) {
    if (selection.takes(label)) run_case(label, [&](Check& check) { refuse(path.string(), check); }, report);
    return;
  }
  std::unique_ptr<GoldenFile> golden;
  std::vector<ParityCase> cases;
  try {
    golden = std::make_unique<GoldenFile>(path, label);
    cases = kind->cases(*golden);
  } catch (const std::exception& e) {
    if (selection.takes(label)) run_case(label, [&](Check& check) { check.fail("file", e.what()); }, report);
    return;
  }
  for (const ParityCase& c : cases) {
    const std::string name = c.name.empty() ? label : label + "/" + c.name;
    if (fits(name, selection.options.only) && selection.left_out(name)) report.leave_out(name);
    if (!selection.takes(name)) continue;
    if (c.standing == Standing::ready) run_case(name, c.run, report);
    else report.set_aside(name, c.standing);
  }
}

}  // namespace
}  // namespace parity

int run_parity(const ParityOptions& options, std::ostream& out) {
  const parity::RunOn run_on(options.device);
  const std::filesystem::path root = std::filesystem::absolute(options.dir).lexically_normal();
  const auto files = parity::golden_files(root);
  const ExactOnly exact;
  parity::Report report(out, options.failures_only);
  for (const std::filesystem::path& file : files) {
    std::filesystem::path label = file == root ? file.filename() : file.lexically_relative(root);
    parity::run_file(file, label.replace_extension().generic_string(), {options}, report);
  }
  if (!report.saw_something()) throw UsageError(text("parity: no case matches '", options.only, "'"));
  if (const auto unknown = report.only_unknown(); !unknown.empty())
    throw UsageError(text("parity: nothing was compared: no case is known for ", unknown.front(),
                          unknown.size() > 1 ? text(" and ", unknown.size() - 1, " more") : "", "; cases go by the file's name"));
  const int code = report.finish();
  if (!options.json.empty()) {
    const std::string written = report.json().dump(1) + "\n";
    write_file(options.json, written.data(), written.size());
  }
  return code;
}

}  // namespace kintsugi
