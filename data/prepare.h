// A look at every picture of a training set before it is trained on, and its pack.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace kintsugi {

struct PrepareOptions {
  std::filesystem::path source = {};  // a folder, or a pack
  std::filesystem::path index = {};   // optional CSV of who is in which file, for a folder
  std::filesystem::path out = {};     // the pack to write; empty: only look
  int size = 0;                  // pictures become RGB of size x size; 0: they stay the files they are
  bool unique = false;           // leave out pictures whose file is another one's byte for byte
  /// Called from time to time with the pictures done and their count; false stops, and nothing is written.
  std::function<bool(int64_t done, int64_t all)> progress = {};
};

struct PictureFacts {
  std::string name = {}, identity = {};  // identity: "" where none is known
  std::string format = {};     // "PNG", ...; "RGB" in a pack that stores such
  int h = 0, w = 0;
  uint64_t bytes = 0;
  std::string sha256 = {};     // of the file's bytes
  std::string error = {};      // why it cannot be read; it is left out of the pack
  int64_t same_as = -1;        // an earlier picture with the same bytes
};

struct PrepareReport {
  std::vector<PictureFacts> pictures;  // in the order of the source, unreadable ones included
  std::vector<std::string> others;     // files that hold no picture and are not called one
  uint64_t pack_bytes = 0;             // 0: none was written
  int64_t packed = 0;
  bool stopped = false;
};

/// Reads and decodes every picture. Files called pictures that hold none count as unreadable. Throws Error as find_files, people_in and Pack
/// do, when the disk refuses, and when a pack is asked for and no picture can be read.
PrepareReport prepare(const PrepareOptions& options);

}  // namespace kintsugi
