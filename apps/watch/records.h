// TFRecord framing: u64 length, masked CRC of the length, payload, masked CRC of the payload; all little-endian.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kintsugi {

/// CRC-32C (Castagnoli): reflected polynomial 0x82F63B78, all ones before and inverted behind.
uint32_t crc32c(std::string_view bytes);
/// The CRC as it stands in a record: rotated right by 15 bits, plus 0xA282EAD8.
uint32_t masked_crc(std::string_view bytes);

/// The payload as a record.
std::string record(std::string_view payload);
/// Takes the first record off `file` and returns its payload; nothing, with `file` left alone, when what stands there is cut or damaged.
std::optional<std::string_view> take_record(std::string_view& file);

}  // namespace kintsugi
