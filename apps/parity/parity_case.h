// One kind of golden file = one source file of this folder, which registers how its cases are rebuilt.
#pragma once
#include <functional>

#include "apps/parity/compare.h"
#include "apps/parity/golden_file.h"

namespace kintsugi::parity {

enum class Standing : uint8_t {
  ready,      // run() rebuilds it
  not_built,  // the file is known, the network does not exist yet
  unknown,    // the file's kind is known, this case is not
  data        // constants for other cases, nothing to rebuild
};

struct ParityCase {
  std::string name;                // empty when the file is one case
  std::function<void(Check&)> run; // may throw: the case then failed with that message
  Standing standing = Standing::ready;
};

struct ParityKind {
  /// The end of the file's path without .safetensors, for example "codeformer_pp/ncc".
  std::string file;
  /// The cases of a file of this kind; captures by reference what it is given, which outlives the cases.
  std::function<std::vector<ParityCase>(const GoldenFile&)> cases;
  /// The file is damaged on purpose: opening it must throw Error. `cases` is not called.
  bool must_be_refused = false;
};

const std::vector<ParityKind>& parity_kinds();
/// The kind of a file by the longest matching end of its path; by its name alone when only one kind has that name. Null: unknown.
const ParityKind* find_parity_kind(const std::string& path_without_extension);

struct ParityRegistration {
  explicit ParityRegistration(ParityKind kind);
};

/// A kind whose files are one case each.
ParityKind single_case(std::string file, std::function<void(const GoldenFile&, Check&)> run);

}  // namespace kintsugi::parity
