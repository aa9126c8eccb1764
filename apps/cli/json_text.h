// JSON as the commands print it. A file's name may hold any bytes, JSON only UTF-8: what is none becomes U+FFFD.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace kintsugi {

/// Indented by two.
inline std::string json_text(const nlohmann::ordered_json& json) { return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace); }

/// A name that goes into a file's JSON.
inline std::string utf8_text(const std::string& name) {
  return nlohmann::json::parse(nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace kintsugi
