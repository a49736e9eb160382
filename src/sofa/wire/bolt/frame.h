#pragma once
// A Bolt frame: its header fields, and the class name, header bytes and content as views into the block they were read into.

#include <cstdint>
#include <string_view>

#include "sofa/base/bytes.h"

namespace sofa::bolt {

/// Third byte of a v1 frame, fourth of v2 (docs/protocols/bolt.md, section 1.3).
enum class FrameType : uint8_t { response = 0, request = 1, oneway = 2 };

/// What a frame is about (docs/protocols/bolt.md, section 1.3). goaway is known to MOSN and to this project only: never send it to a Java peer.
enum class Command : uint16_t { heartbeat = 0, request = 1, response = 2, goaway = 100 };

/// How a request ended (docs/protocols/bolt.md, section 1.3). A value from the wire may be none of these; it is kept as the number it was.
enum class Status : uint16_t {
  success = 0x0000,
  error = 0x0001,
  server_exception = 0x0002,
  unknown = 0x0003,
  server_busy = 0x0004,
  comm_error = 0x0005,
  no_processor = 0x0006,
  timeout = 0x0007,
  client_send_error = 0x0008,
  codec_exception = 0x0009,
  connection_closed = 0x0010,
  server_serial_exception = 0x0011,
  server_deserial_exception = 0x0012,
};

/// The name of a status in words ("server busy"); "unknown status" for a number that is none.
std::string_view to_string(Status status);

/// Serializer codes of the codec byte (docs/protocols/bolt.md, section 1.4).
inline constexpr uint8_t kCodecHessian = 1;
inline constexpr uint8_t kCodecProtobuf = 11;
inline constexpr uint8_t kCodecJson = 12;

/// Bit of the switch byte that asks for a CRC32 trailer; it has an effect only in v2 frames with version 2.
inline constexpr uint8_t kSwitchCrc = 1;

/// The fixed fields of a frame. `timeout_ms` belongs to requests (-1 in oneway ones), `status` to responses; the other is ignored.
struct FrameHead {
  uint8_t protocol = 1;  ///< 1 or 2, the frame's first byte
  uint8_t version = 1;   ///< v2 only ("ver1"): 1 = never a CRC, 2 = a CRC when the switch says so
  FrameType type = FrameType::request;
  Command command = Command::request;
  uint32_t id = 0;
  uint8_t codec = kCodecHessian;
  uint8_t switches = 0;  ///< v2 only, 0..127
  int32_t timeout_ms = 0;
  Status status = Status::success;

  bool is_response() const { return type == FrameType::response; }
  /// Whether this one frame ends with a CRC32. Decided frame by frame, never for the connection (docs/protocols/bolt.md, section 1.2).
  bool has_crc() const { return protocol == 2 && version == 2 && (switches & kSwitchCrc) != 0; }
  /// Bytes of the fixed header, lengths included: 22 / 20 in v1, 24 / 22 in v2.
  size_t head_size() const { return (protocol == 1 ? 20 : 22) + (is_response() ? 0 : 2); }

  bool operator==(const FrameHead&) const = default;
};

/// A received frame. It shares the block it was read into: keep it (or `content()`) as long as needed, copying nothing.
struct Frame : FrameHead {
  Bytes body;  ///< class name, header and content, one after another
  uint16_t class_size = 0;
  uint16_t header_size = 0;

  std::string_view class_name() const { return as_text(body.span().first(class_size)); }
  ByteSpan header() const { return body.span().subspan(class_size, header_size); }
  ByteSpan content() const { return body.span().subspan(size_t{class_size} + header_size); }
  /// The content as a slice of its own, for an owner that outlives the frame.
  Bytes content_bytes() const { return body.slice(size_t{class_size} + header_size); }
};

/// The head of the answer to `request`: its protocol, version, id, codec and switch (docs/protocols/bolt.md, section 1.2 and 7).
FrameHead response_to(const FrameHead& request, Status status);
/// The head of an error answer that carries no result of the service: switch 0 and codec 1 whatever the request had (section 1.2, 1.5).
FrameHead error_response_to(const FrameHead& request, Status status);
/// A heartbeat request and its answer (section 2.1); `channel` gives protocol and version. No class, header or content.
FrameHead heartbeat(const FrameHead& channel, uint32_t id);
FrameHead heartbeat_ack(const FrameHead& request);
/// Tells the peer to send nothing new on this connection (section 6). Only for peers known to understand it.
FrameHead goaway(const FrameHead& channel, uint32_t id);

/// Key and value in the header map of a heartbeat by which its sender says that it knows GoAway (section 6). Everyone answers such a heartbeat as any
/// other.
inline constexpr std::string_view kGoawayKey = "goaway";
inline constexpr std::string_view kGoawayKnown = "known";

}  // namespace sofa::bolt
