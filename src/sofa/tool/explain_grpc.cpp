#include "sofa/base/protobuf_fields.h"
#include "sofa/base/utf8.h"
#include "sofa/tool/explain.h"

namespace sofa::tool {

namespace {

constexpr size_t kPrefix = 5;  // whether it is compressed, and the length (gRPC over HTTP2, "Requests")

uint64_t varint(ByteSpan bytes, size_t& at) {
  uint64_t value = 0;
  for (unsigned shift = 0; at < bytes.size(); shift += 7) {
    const uint8_t byte = bytes[at++];
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

std::string shown(ByteSpan bytes) { return is_utf8(as_text(bytes)) ? shown_text(as_text(bytes)) : fmt::format("{} bytes", bytes.size()); }

bool is_protobuf(ByteSpan message) {
  ProtobufFields fields(message);
  while (fields.next_of_any_kind()) {
  }
  return !fields.is_broken();
}

/// The fields of a message whose type nobody knows: by their numbers.
void explain_fields(Walk& walk, ByteSpan message) {
  const Walk::Level level(walk);
  while (!message.empty()) {
    size_t size = 0;
    const uint64_t tag = varint(message, size);
    std::string value;
    switch (tag & 7) {
      case 0:
        value = std::to_string(varint(message, size));
        break;
      case 2: {
        const size_t length = varint(message, size);
        value = shown(message.subspan(size, length));
        size += length;
        break;
      }
      default:  // numbers of fixed size
        size += (tag & 7) == 1 ? 8 : 4;
        value = fmt::format("{} bytes", (tag & 7) == 1 ? 8 : 4);
    }
    walk.note(size, fmt::format("field {}", tag >> 3), std::move(value));
    message = message.subspan(size);
  }
}

}  // namespace

bool begins_with_grpc(ByteSpan data) {
  constexpr uint32_t kMost = 64 << 20;  // bytes of a message that is believed
  return data.size() >= kPrefix && data[0] <= 1 && load_be<uint32_t>(data.data() + 1) <= kMost;
}

std::optional<size_t> explain_grpc(Walk& walk, size_t size, size_t missing) {
  const size_t end = walk.at() + size;
  const auto left = [&] { return end - walk.at(); };
  if (missing > 0) {
    const size_t here = std::min(missing, size);
    walk.note(here, "message", fmt::format("{} more bytes", here));
    missing -= here;
  }
  while (walk.ok() && left() >= kPrefix) {
    const bool compressed = walk.number(1, "compressed") != 0;
    const size_t length = walk.number(4, "message length");
    const ByteSpan message = walk.rest().first(std::min(length, left()));
    missing = length - message.size();
    if (missing == 0 && !compressed && is_protobuf(message)) {
      explain_fields(walk, message);
    } else {
      walk.note(message.size(), "message", shown(message));
    }
  }
  if (walk.ok() && left() > 0) {
    walk.note(left(), "data", "the begin of a message's prefix");
    return std::nullopt;
  }
  return missing;
}

}  // namespace sofa::tool
