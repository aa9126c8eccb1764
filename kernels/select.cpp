// Choice of kernels by name, and the list of all families.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "kernels/base/device_runtime.h"
#include "kernels/base/pattern.h"
#include "kernels/table.h"

namespace kintsugi {
namespace {

struct Choice {
  size_t id;
  std::string pattern, row;
};

// Function-local statics: families register from static constructors of other files.
std::vector<const FamilyInfo*>& registry() {
  static std::vector<const FamilyInfo*> families;
  return families;
}
std::vector<Choice>& choices() {
  static std::vector<Choice> list;
  return list;
}
std::mutex& choices_mutex() {
  static std::mutex m;
  return m;
}
std::atomic<bool> any_choice{false};  // the common case, no choice at all, must cost nothing
std::atomic<const KernelPreference::Ask*> preference{nullptr};

bool has_row(const FamilyInfo& f, const std::string& row) {
  for (const auto& r : f.row_infos())
    if (r.name == row) return true;
  return false;
}

void check_choice(const std::string& pattern, const std::string& row) {
  bool family = false, found = false;
  std::string names, rows;
  for (const auto* f : all_families()) {
    names += std::string(names.empty() ? "" : ", ") + f->name();
    if (!matches_pattern(f->name(), pattern)) continue;
    family = true;
    found |= has_row(*f, row);
    for (const auto& r : f->row_infos()) rows += std::string("\n  ") + f->name() + "=" + r.name + " (" + name(r.where) + "): " + r.note;
  }
  if (!family) throw UsageError(text("kernel choice '", pattern, "=", row, "': no family has such a name; there are: ", names));
  if (!found) throw UsageError(text("kernel choice '", pattern, "=", row, "': no such row; there are:", rows));
}

size_t add_choice(std::string pattern, std::string row) {
  check_choice(pattern, row);
  static size_t next = 1;
  std::lock_guard lock(choices_mutex());
  choices().push_back({next, std::move(pattern), std::move(row)});
  any_choice = true;
  return next++;
}

void read_environment() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (const char* list = std::getenv("KINTSUGI_KERNELS")) choose_kernels(list);
  });
}

}  // namespace

FamilyInfo::FamilyInfo(const char* name, const char* equation) : name_(name), equation_(equation) { registry().push_back(this); }
FamilyInfo::~FamilyInfo() { std::erase(registry(), this); }

std::string FamilyInfo::wanted() const {
  read_environment();
  if (!any_choice.load(std::memory_order_relaxed)) return {};
  std::lock_guard lock(choices_mutex());
  for (auto c = choices().rbegin(); c != choices().rend(); ++c)
    if (matches_pattern(name_, c->pattern) && (c->pattern.find('*') == std::string::npos || has_row(*this, c->row))) return c->row;
  return {};
}

std::string FamilyInfo::preferred(DeviceKind where, const void* args) const {
  const KernelPreference::Ask* ask = preference.load(std::memory_order_acquire);
  return ask ? (*ask)(*this, where, args) : std::string();
}

KernelPreference::KernelPreference(Ask ask) {
  const Ask* none = nullptr;
  auto* mine = new Ask(std::move(ask));
  if (preference.compare_exchange_strong(none, mine)) return;
  delete mine;
  fail("kernel preference: one is in force already");
}
KernelPreference::~KernelPreference() { delete preference.exchange(nullptr); }

void FamilyInfo::none_fits(std::string_view wanted, DeviceKind where, const std::string& reasons) const {
  fail(name_, ": no row", wanted.empty() ? "" : " named '", wanted, wanted.empty() ? "" : "'", " on ", kintsugi::name(where),
       " takes these arguments:", reasons);
}

DeviceCall::DeviceCall(Device device) : device_(device) { runtime_on(device).enter_kernel(); }
DeviceCall::~DeviceCall() { device_runtime(device_.kind).leave_kernel(); }
void DeviceCall::check(const char* family, const char* row) const { device_runtime(device_.kind).check_launch(family, row); }

std::vector<const FamilyInfo*> all_families() {
  auto list = registry();
  std::sort(list.begin(), list.end(), [](auto* a, auto* b) { return std::strcmp(a->name(), b->name()) < 0; });
  return list;
}

KernelChoice::KernelChoice(std::string family_pattern, std::string row) : id_(add_choice(std::move(family_pattern), std::move(row))) {}

KernelChoice::~KernelChoice() {
  std::lock_guard lock(choices_mutex());
  std::erase_if(choices(), [&](const Choice& c) { return c.id == id_; });
  any_choice = !choices().empty();
}

void choose_kernels(std::string_view list) {
  while (!list.empty()) {
    const auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const auto eq = item.find('=');
    if (eq == std::string_view::npos) throw UsageError(text("kernel choice '", item, "': must be FAMILY=ROW"));
    add_choice(std::string(item.substr(0, eq)), std::string(item.substr(eq + 1)));
  }
}

}  // namespace kintsugi
