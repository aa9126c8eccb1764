// Constructor arguments as JSON text, for the metadata of checkpoints. A table of (name, field) is read in both directions.
#pragma once
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "kernels/base/error.h"

namespace kintsugi {

/// Writes each field it is shown.
class ArgumentWriter {
 public:
  template <class T>
  void operator()(const char* name, const T& field) {
    json_[name] = field;
  }
  void operator()(const char* name, const std::map<int64_t, int>& field) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [key, value] : field) object[std::to_string(key)] = value;
    json_[name] = std::move(object);
  }
  std::string text() const { return json_.dump(); }

 private:
  nlohmann::json json_ = nlohmann::json::object();
};

/// Reads each field it is shown; finish() refuses names that no field took. Throws Error naming network and argument.
class ArgumentReader {
 public:
  ArgumentReader(const char* network, const std::string& source) : network_(network) {
    json_ = nlohmann::json::parse(source, nullptr, false);
    KIN_CHECK(json_.is_object(), network, ": arguments must be a JSON object, got '", source, "'");
  }
  template <class T>
  void operator()(const char* name, T& field) {
    take(name, [&](const nlohmann::json& value) { field = value.get<T>(); });
  }
  void operator()(const char* name, std::map<int64_t, int>& field) {
    take(name, [&](const nlohmann::json& value) {
      field.clear();
      for (const auto& [key, block] : value.items()) field[std::stoll(key)] = block.get<int>();
    });
  }
  void finish() const { KIN_CHECK(json_.empty(), network_, ": there is no argument '", json_.begin().key(), "'"); }

 private:
  template <class Read>
  void take(const char* name, Read&& read) {
    KIN_CHECK(json_.contains(name), network_, ": the argument '", name, "' is missing");
    try {
      read(json_.at(name));
    } catch (const std::exception& e) {
      fail(network_, ": the argument '", name, "' cannot be read: ", e.what());
    }
    json_.erase(name);
  }
  const char* network_;
  nlohmann::json json_;
};

}  // namespace kintsugi
