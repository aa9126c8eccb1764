#pragma once

namespace kintsugi {

/// apps/recipes/demo.toml, built into the program so that the demo needs no file.
const char* demo_recipe();

}  // namespace kintsugi
