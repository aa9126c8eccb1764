#pragma once
#include <string>

namespace kintsugi {

struct PrepareCommand {
  std::string source;    // folder or pack
  std::string out;       // pack to write
  std::string index;     // CSV of who is in which file
  int size = 0;          // pixels; 0: pictures stay the files they are
  bool unique = false;   // leave out files that are there already
  bool inspect = false;  // report and write nothing
  bool json = false;
  bool quiet = false;
};

/// `kintsugi prepare`: looks at every picture of a folder and makes a pack of them. Returns an exit code.
int run_prepare(const PrepareCommand& command);

}  // namespace kintsugi
