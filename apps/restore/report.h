// What a run of `restore` says about each picture, for programs to read.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/restore/pictures.h"

namespace kintsugi {

/// The same for every picture of a run.
struct RunFacts {
  std::string task, device, weights, weights_sha256;
  int network_size = 0;
  std::vector<double> ws;
  bool sweep = false;
  double blend = 1;
};

struct PictureOutcome {
  enum class Status { not_started, done, failed };
  Status status = Status::not_started;
  std::string error;
  int width = 0, height = 0;  // 0: it could not be read
  double seconds = 0;         // its reading and writing, and its share of its batch in the network
  bool recorded = false;      // its batch was started as recorded (Restorer)
  std::vector<std::string> notes;
};

/// An array with one object per picture, in order; docs/restore.md lists the fields.
nlohmann::ordered_json report_of(const std::vector<PictureJob>& jobs, const std::vector<PictureOutcome>& outcomes, const RunFacts& facts);

}  // namespace kintsugi
