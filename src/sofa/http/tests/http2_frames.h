#pragma once
// HTTP/2 frames by hand, for raw peers (RFC 9113, 4.1 and 6).

#include "harness.h"

namespace sofa::http::testing {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr uint8_t kData = 0, kHeaders = 1, kPriority = 2, kReset = 3, kSettings = 4, kPing = 6, kGoaway = 7, kWindowUpdate = 8,
                         kContinuation = 9;
inline constexpr uint8_t kEndStream = 1, kEndHeaders = 4, kPadded = 8;

inline std::string be32(uint32_t number) {
  uint8_t bytes[4];
  store_be(bytes, number);
  return std::string(as_text(bytes));
}

inline std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out = be32(static_cast<uint32_t>(payload.size())).substr(1);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + be32(stream) + std::string(payload);
}

/// What a client's connection begins with; `settings`: the payload of its SETTINGS.
inline std::string opening(std::string_view settings = {}) { return std::string(kPreface) + frame(kSettings, 0, 0, settings); }
/// SETTINGS_INITIAL_WINDOW_SIZE as an entry of SETTINGS.
inline std::string initial_window(uint32_t bytes) { return std::string("\0\4", 2) + be32(bytes); }

/// :method GET, :scheme http, :path / by their index in HPACK's static table (RFC 7541, appendix A), and :authority t.
inline const std::string kGet = "\x82\x86\x84\x01\x01t";

inline std::string get_request(uint32_t stream, uint8_t flags = kEndStream) { return frame(kHeaders, kEndHeaders | flags, stream, kGet); }

/// The payloads of the whole frames of `type` in `bytes`.
inline std::vector<std::string> payloads_of(std::string_view bytes, uint8_t type) {
  std::vector<std::string> payloads;
  while (bytes.size() >= 9) {
    const size_t size = load_be<uint32_t>(reinterpret_cast<const uint8_t*>(bytes.data())) >> 8;
    if (bytes.size() < 9 + size) break;
    if (static_cast<uint8_t>(bytes[3]) == type) payloads.emplace_back(bytes.substr(9, size));
    bytes.remove_prefix(9 + size);
  }
  return payloads;
}
/// The payload of the last one.
inline std::optional<std::string> last_payload_of(std::string_view bytes, uint8_t type) {
  auto payloads = payloads_of(bytes, type);
  return payloads.empty() ? std::nullopt : std::optional(std::move(payloads.back()));
}

}  // namespace sofa::http::testing
