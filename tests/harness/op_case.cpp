#include "tests/harness/op_case.h"

namespace kintsugi::testing {
namespace {
std::vector<OpCase>& registry() {
  static std::vector<OpCase> cases;
  return cases;
}
}  // namespace

const std::vector<OpCase>& op_cases() { return registry(); }
OpCaseRegistration::OpCaseRegistration(OpCase c) { registry().push_back(std::move(c)); }

}  // namespace kintsugi::testing
