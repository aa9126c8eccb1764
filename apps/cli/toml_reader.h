// Strict reading of a TOML file into plain variables: wrong types, values out of range and keys nobody asked for are errors
// that name the file, the line, what was expected and what was found; an unknown key gets a "did you mean".
#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kintsugi {

class TomlReader {
 public:
  /// Throws UsageError when the file cannot be read or is not TOML. When it has a string `base`, what it does not give comes from the
  /// file of that name, relative to its own folder, which may have a base in turn.
  explicit TomlReader(const std::string& path);
  /// The same from text; `name` stands for the path in messages.
  TomlReader(const std::string& text, const std::string& name);
  ~TomlReader();

  /// "data.size=64": replaces or adds one value, written as in TOML (a bare word counts as a string).
  void set(const std::string& assignment);

  /// Each sets `out` when the dotted key is there and leaves it alone otherwise. [least, most] is inclusive.
  void get(const char* key, std::string& out);
  void get(const char* key, std::string& out, const std::vector<std::string>& allowed);
  void get(const char* key, bool& out);
  void get(const char* key, int& out, int least, int most);
  void get(const char* key, uint64_t& out);
  void get(const char* key, double& out, double least, double most);
  void get(const char* key, std::vector<int>& out, int least, int most);
  void get(const char* key, std::vector<double>& out, double least, double most);
  void get(const char* key, std::vector<std::string>& out, const std::vector<std::string>& allowed);
  void get(const char* key, std::pair<double, double>& out, double least, double most);  // [low, high], low <= high

  /// Throws UsageError for every key in the file that no get() asked for.
  void finish();

 private:
  struct Document;
  std::unique_ptr<Document> document_;
  std::string name_;
  std::set<std::string> asked_;
};

/// The candidate closest to `word` by edit distance when it is close enough to be a slip, else "".
std::string closest(const std::string& word, const std::set<std::string>& candidates);

}  // namespace kintsugi
