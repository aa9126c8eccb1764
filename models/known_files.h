// Published files of weights that can be told by their SHA-256, and whose terms they carry.
#pragma once
#include <string>

#include "models/known_nets.h"

namespace kintsugi {

struct KnownFile {
  const char* sha256;
  const char* name;     // as its authors call it
  const char* source;   // whose it is
  const char* licence;  // its family, with what it allows
};

/// Null for a file not in the table. Only hashes that several public sources state, or that were computed from the authors' own file,
/// are there.
const KnownFile* find_known_file(const std::string& sha256);

/// One sentence for people: the terms of a file, as far as they are known from its hash, or else from the network in it. What a
/// person trained has no terms but theirs, which is said too.
std::string licence_of(const KnownFile* file, const KnownNet& net);

}  // namespace kintsugi
