#pragma once
// Messages of HTTP/1.1 to bytes: heads, and the framing of one body. Pure. Header names leave in lower case.

#include <string_view>

#include "sofa/http/exchange.h"

namespace sofa::http::detail {

/// How the end of a body is told.
enum class Framing : uint8_t {
  none,         ///< there is no body
  length,       ///< content-length
  chunked,      ///< chunks, then trailers
  until_close,  ///< HTTP/1.0: the connection ends
  raw,          ///< after 101: bytes of another protocol
};

/// What the writer adds to the fields of the user. Fields of the connection (connection, transfer-encoding, keep-alive, te, trailer, upgrade) are the
/// writer's: the user's are left out, but for connection and upgrade of a 101 and of a request with "connection: upgrade".
struct HeadFrame {
  Framing framing = Framing::none;
  std::string_view connection{};  ///< value of the connection header, empty for none
  std::string_view date{};        ///< empty for none
  bool zero_length = false;       ///< "content-length: 0" is added when the user gave none
  bool no_length = false;         ///< the user's content-length is left out
};

void append_response_head(Buffer& out, int status, Version version, const Headers& headers, const HeadFrame& frame);
void append_request_head(Buffer& out, const RequestHead& head, const HeadFrame& frame);
/// The words of a status, "Not Found".
std::string_view reason_phrase(int status);

/// The framing of one body that is sent.
class BodyWriter {
 public:
  /// `length`: of Framing::length.
  void begin(Framing framing, uint64_t length = 0) {
    framing_ = framing;
    left_ = length;
    discard_ = false;
  }
  /// The peer wants no body (an answer to HEAD): data is checked as always and dropped.
  void discard_data() { discard_ = true; }
  /// Code::failed_precondition when more or less comes than the length promised.
  Result<void> data(Bytes data, bool end, GatherList& out);
  /// Trailers are dropped unless the body is chunked.
  Result<void> end(const Headers* trailers, GatherList& out);
  Framing framing() const { return framing_; }

 private:
  Framing framing_ = Framing::none;
  uint64_t left_ = 0;
  bool discard_ = false;
};

/// The length that a message's fields promise, if any.
std::optional<uint64_t> content_length(const Headers& headers);

}  // namespace sofa::http::detail
