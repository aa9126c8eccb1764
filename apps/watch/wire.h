// Protocol buffers' wire format (protobuf.dev/programming-guides/encoding), as much of it as event files need.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kintsugi::wire {

/// Fields are appended in the order of the calls. A message within a message is one of these as bytes.
class Message {
 public:
  Message& varint(int field, uint64_t value);
  Message& real64(int field, double value);
  Message& real32(int field, float value);
  Message& bytes(int field, std::string_view value);
  Message& packed(int field, std::span<const double> values);

  const std::string& encoded() const { return encoded_; }

 private:
  void tag(int field, int type);
  void number(uint64_t value);

  std::string encoded_;
};

/// One field of an encoded message.
struct Field {
  int number = 0;
  uint64_t value = 0;      // of a varint or a fixed-size number, as bits
  std::string_view bytes = {};  // of anything with a length; points into the message
};
/// Takes the first field off `message`; nothing when the rest is no field.
std::optional<Field> take_field(std::string_view& message);

}  // namespace kintsugi::wire
