#include "kernels/vendor/library.h"

#include <dlfcn.h>

namespace kintsugi::vendor {

Library::Library(const char* const* names) {
  for (; *names && !handle_; ++names) {
    name_ = *names;
    handle_ = dlopen(name_, RTLD_NOW | RTLD_LOCAL);
  }
}

void* Library::symbol(const char* name) const {
  void* p = handle_ ? dlsym(handle_, name) : nullptr;
  KIN_CHECK(p, name_, ": has no function ", name);
  return p;
}

}  // namespace kintsugi::vendor
