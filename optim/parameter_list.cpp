#include "optim/parameter_list.h"

#include <string_view>
#include <unordered_map>

namespace kintsugi {

void copy_by_name(const char* what, std::span<const NamedTensor> to, std::span<const NamedTensor> from) {
  std::unordered_map<std::string_view, const Tensor*> given;
  for (const auto& f : from) given.emplace(f.name, &f.tensor);
  for (const auto& t : to) {
    const auto found = given.find(t.name);
    KIN_CHECK(found != given.end(), what, ": '", t.name, "' is missing");
    KIN_CHECK(found->second->shape() == t.tensor.shape(), what, ": '", t.name, "' must be ", t.tensor.shape(), ", got ",
              found->second->shape());
  }
  for (const auto& t : to) Tensor(t.tensor).copy_(*given.at(t.name));
}

}  // namespace kintsugi
