#include <string>

#include "apps/train/recipe.h"
#include "tests/fuzz/fuzz.h"

void kintsugi::testing::try_input(std::span<const uint8_t> input) {
  read_recipe_text({reinterpret_cast<const char*>(input.data()), input.size()}, "input", {});
}
