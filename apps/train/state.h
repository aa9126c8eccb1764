// Training states: files from which a run goes on bit by bit as if it had never stopped.
//
// One safetensors file holds, for each network under a prefix ("g.", "d."), all parameters and buffers in PyTorch's layout
// ("g.net.<name>"), the averages ("g.ema.<name>") and the optimiser's moments ("g.adam.<name>.exp_avg", ...) as they lie in memory, and in
// its metadata a manifest: where the run stands, the recipe, hashes of what it was started from. There is no state of random numbers
// to save: they are functions of the seed and of the step, or of the epoch and the sample.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/train/learner.h"
#include "data/order.h"

namespace kintsugi {

/// Hashes of what a stage was started from, by name: networks of earlier stages, the data, a perceptual loss's weights.
using Inputs = std::map<std::string, std::string>;

struct Best {
  std::string metric;
  double value = 0;
  int64_t step = 0;
};

/// Where a run stands.
struct Position {
  int stage = 1, last_stage = 3;   // being run, and the last one asked for
  int64_t step = 0, steps = 0;     // done, and asked for by the recipe
  bool validated = false;          // the validation due after `step` steps is done too
  std::optional<Best> best;        // of the validations so far
  int ranks = 1;                   // processes that share each step
  int64_t metrics_bytes = 0;       // of metrics.jsonl, up to here
  Cursor cursor = {};              // the next sample

  bool stage_finished() const { return step >= steps && validated; }
  bool run_finished() const { return stage == last_stage && stage_finished(); }
};

struct Manifest {
  Position position;
  std::string recipe;  // every value, as resolved() writes it
  Inputs inputs;
};

/// Writes a state, atomically. Throws NotFiniteError, and writes nothing, when a parameter is not finite, and Error when the file cannot
/// be written; a file of that name is then left as it was.
void save_state(const std::filesystem::path& path, const Manifest& manifest, const std::vector<Learner*>& learners);
/// Throws Error naming the file when it is no training state.
Manifest read_manifest(const std::filesystem::path& path);
/// Copies everything back. Throws Error when the file does not fit the networks; nothing is to be gone on with then.
void load_state(const std::filesystem::path& path, const std::vector<Learner*>& learners);

/// Throws Error naming the first key whose value is not what it was, unless a change there leaves the numbers alone (names, places and how
/// often something is saved or measured) or only moves the end (steps).
void check_same_recipe(const std::string& then, const std::string& now, const std::string& where);
/// Throws Error unless the run goes on with as many ranks as it was started on.
void check_same_ranks(int then, int now, const std::string& where);
/// Throws Error naming what changed and both hashes.
void check_same_inputs(const Inputs& then, const Inputs& now, const std::string& where);

struct SavedState {
  std::filesystem::path path;
  Manifest manifest;
};

/// The states of a run folder: state/stage<n>-<steps>.safetensors, and state/stage<n>-best.safetensors.
class StateFolder {
 public:
  struct File {
    std::filesystem::path path;
    int stage;
    int64_t step;
  };
  explicit StateFolder(const std::filesystem::path& run_folder) : folder_(run_folder / "state") {}

  /// In the order they were written; those kept as the best are not among them.
  std::vector<File> files() const;
  /// The last state of these stages. Throws as read_manifest does.
  std::optional<SavedState> newest(int first_stage, int last_stage) const;

  /// Where save() writes it.
  std::filesystem::path path_of(const Position& position) const;
  /// Writes a state and removes all numbered ones but the last `keep`.
  std::filesystem::path save(const Manifest& manifest, const std::vector<Learner*>& learners, int keep) const;
  /// Keeps that file under the name of the stage's best.
  void keep_as_best(const std::filesystem::path& file, int stage) const;
  /// Removes the states of a stage and of all behind it, and what a process that was killed while writing left.
  void forget(int first_stage) const;
  void sweep() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace kintsugi
