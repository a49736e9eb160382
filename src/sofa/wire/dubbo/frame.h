#pragma once
// A Dubbo 2 frame: 16 bytes of head and a body whose serialization the head names (docs/protocols/dubbo.md, section 1).

#include <cstdint>
#include <string_view>

#include "sofa/base/bytes.h"

namespace sofa::dubbo {

inline constexpr uint16_t kMagic = 0xdabb;
inline constexpr size_t kHeadSize = 16;

/// The serialization id of Hessian 2 (dialect H4), the only one whose bodies this project reads and writes.
inline constexpr uint8_t kHessian2 = 2;
/// The name that Dubbo gives a serialization id ("fastjson2" for 23); empty for a number that is none.
std::string_view serialization_name(uint8_t id);

/// How a request ended (docs/protocols/dubbo.md, section 1). A value from the wire may be none of these; it is kept as the number it was.
enum class Status : uint8_t {
  ok = 20,
  serialization_error = 25,
  client_timeout = 30,
  server_timeout = 31,
  channel_inactive = 35,
  bad_request = 40,
  bad_response = 50,
  service_not_found = 60,
  service_error = 70,
  server_error = 80,
  client_error = 90,
  threadpool_exhausted = 100,
};
/// The name of a status in words ("bad request"); "unknown status" for a number that is none.
std::string_view to_string(Status status);

/// The fixed fields of a frame. `two_way` says of a request that it wants an answer; `status` belongs to responses.
struct FrameHead {
  bool request = true;
  bool two_way = false;
  bool event = false;
  uint8_t serialization = kHessian2;  ///< 0..31
  Status status = Status{0};          ///< 0 in requests
  uint64_t id = 0;                    ///< any 64 bits: Java's begin at a random number and may be negative there

  bool operator==(const FrameHead&) const = default;
};

/// A received frame. Its body shares the block it was read into.
struct Frame : FrameHead {
  Bytes body;
};

/// The head of the answer to `request`: its id and serialization, and its event flag.
FrameHead response_to(const FrameHead& request, Status status);

}  // namespace sofa::dubbo
