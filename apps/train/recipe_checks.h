#pragma once
#include "apps/train/recipe.h"

namespace kintsugi {

/// Throws UsageError when values that are each allowed do not go together: sizes of networks, phases and milestones that a run of this
/// length would never reach, a perceptual loss without weights. `name` stands for the recipe's path in messages.
void check_recipe(const Recipe& recipe, const std::string& name);

}  // namespace kintsugi
