#include "optim/parameter_list.h"

#include <string_view>
#include <unordered_map>

namespace kintsugi {

void copy_by_name(const char* what, const NamedTensors& to, const NamedTensors& from) {
  std::unordered_map<std::string_view, const Tensor*> given;
  for (const auto& [name, tensor] : from) given.emplace(name, &tensor);
  for (const auto& [name, tensor] : to) {
    const auto found = given.find(name);
    KIN_CHECK(found != given.end(), what, ": '", name, "' is missing");
    KIN_CHECK(found->second->shape() == tensor.shape(), what, ": '", name, "' must be ", tensor.shape(), ", got ",
              found->second->shape());
  }
  for (const auto& [name, tensor] : to) Tensor(tensor).copy_(*given.at(name));
}

}  // namespace kintsugi
