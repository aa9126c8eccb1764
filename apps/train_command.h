#pragma once
#include <string>
#include <vector>

#include "apps/train/start_rank.h"

namespace kintsugi {

struct TrainCommand {
  std::string recipe;                // TOML file
  std::vector<std::string> set;      // key=value
  std::vector<int> stages;           // {}: all; otherwise consecutive
  std::string from;                  // run folder to go on from, as recipe key `from`
  bool resume = false, overwrite = false;  // as in TrainOptions
  bool print = false;                // show the resolved recipe and stop
  bool json = false;                 // result as JSON
  RankOptions rank;
};

/// `kintsugi train RECIPE`. Returns an exit code.
int run_train(const TrainCommand& command);

}  // namespace kintsugi
