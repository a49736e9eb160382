#pragma once
// The outcome of a gRPC call. Error codes of the project are gRPC's (sofa/base/error.h), so an Error maps to a status by itself; success is 0.

#include <optional>
#include <string>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/clock.h"
#include "sofa/base/error.h"

namespace sofa::grpc {

/// Attached to an Error: the bytes of "grpc-status-details-bin" (a google.rpc.Status), sent with it and found in a received one.
struct StatusDetails : ErrorDetail {
  explicit StatusDetails(Bytes bytes) : bytes(std::move(bytes)) {}
  const Bytes bytes;
};

/// "grpc-message" encoding: UTF-8, everything outside 0x20..0x7e and '%' as %XX; decoding takes broken sequences as they are
/// (gRPC over HTTP2, "Responses").
std::string encode_message(std::string_view text);
std::string decode_message(std::string_view text);

/// The code that an HTTP status stands for when a response carries no grpc-status (gRPC, http-grpc-status-mapping).
Code code_of_http_status(int status);
/// The code of a reset stream without a status, by its HTTP/2 error code (gRPC over HTTP2, "Errors").
Code code_of_reset(uint32_t http2_error);

/// "grpc-timeout": at most 8 digits and a unit (H M S m u n). Nothing when it cannot be read.
std::optional<Duration> parse_timeout(std::string_view text);
/// Rounded up to three digits: what is left of the same timeout reads the same in every call, which costs a byte then (HPACK). The caller's own clock
/// ends the call in time.
std::string format_timeout(Duration timeout);

}  // namespace sofa::grpc
