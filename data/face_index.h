// A table that says who is in which picture, and the split by person that it allows.
#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace kintsugi {

/// CSV with a header line that names at least the columns `file` (relative to the table's folder) and `identity`; other
/// columns are ignored, fields may be "quoted". Returns normalised absolute path -> identity. Throws Error naming the file and line.
std::map<std::filesystem::path, std::string> read_face_index(const std::filesystem::path& csv);

/// Whether a person belongs to the held-out part: a hash of the name alone, so that the answer never changes with the seed,
/// the other people, or the pictures there are of them. holdout in [0, 1] is the share of people.
bool is_held_out(const std::string& identity, double holdout);

}  // namespace kintsugi
