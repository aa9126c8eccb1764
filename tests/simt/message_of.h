// What the emulator says of a launch that it ends.
#pragma once
#include <doctest/doctest.h>

#include <string>

#include "kernels/simt/simt.h"

namespace kintsugi::testing {

template <class... P, class... A>
std::string message_of(sim::Launch l, void (*kernel)(P...), A... args) {
  try {
    sim::launch(l, kernel, args...);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace kintsugi::testing

#define CHECK_SAYS(message, part) CHECK_MESSAGE((message).find(part) != std::string::npos, "'", std::string(part), "' is not in: ", (message))
