// Errors: one exception type, one helper. A message names the op, the argument, what was expected and what came:
//   group_norm: gamma must be [128], got [64] (x: [2,16,16,128] f32 cpu)
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

namespace kintsugi {

/// Thrown by every floor for anything the caller did wrong or the machine refused.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Bad settings written by a person: a recipe, an option, a kernel name. Programs exit with 2.
struct UsageError : Error {
  using Error::Error;
};

/// Concatenates anything that can be streamed.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(text(parts...));
}

}  // namespace kintsugi

/// KIN_CHECK(condition, parts...): throws Error with the parts joined when the condition is false.
#define KIN_CHECK(condition, ...)                  \
  do {                                             \
    if (!(condition)) ::kintsugi::fail(__VA_ARGS__); \
  } while (0)
