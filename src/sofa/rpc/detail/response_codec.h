#pragma once
// SofaResponse on the wire (docs/protocols/sofarpc.md, section 2.2), written from a prefix that is always the same, and read back.

#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/rpc/context.h"
#include "sofa/rpc/detail/shape.h"
#include "sofa/rpc/exception.h"
#include "sofa/wire/bolt/header_map.h"
#include "sofa/wire/hessian/dialect.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::rpc::detail {

inline constexpr std::string_view kErrorHeader = "sofa_head_response_error";
/// The code of a plain Error, between C++ peers only; Java ignores it.
inline constexpr std::string_view kCodeHeader = "sofa_cpp_error_code";

/// The header map of an answer: `headers` as they are.
void write_response_header(Buffer& out, const Pairs& headers);

/// A value, or null for void. `properties` are the pairs of the header, repeated in the content.
Result<void> write_value_response(Buffer& out, const ValueShape& shape, bool plain, const void* value, const Pairs& properties);
/// A framework error: isError with a text.
void write_error_response(Buffer& out, std::string_view text, const Pairs& properties);
/// What the service threw.
Result<void> write_exception_response(Buffer& out, const JavaException& exception, const Pairs& properties);
/// The content of a frame with status 2, 0x11 or 0x12: a Hessian RpcServerException (docs/protocols/bolt.md, section 1.5).
Result<void> write_server_exception(Buffer& out, std::string_view message);
inline constexpr std::string_view kServerExceptionClass = "com.alipay.remoting.rpc.exception.RpcServerException";

/// A header of an answer, whatever the protocol, and the entry of baggage that it may be.
void take_response_header(CallResponse& response, std::string_view key, std::string_view value);
/// Reads the answer to a call into `result` (untouched for void). Errors: what the service threw (with a JavaException detail), the text of a
/// framework error, what is wrong with the bytes (Code::data_loss), or the class that `classes` (null: all pass) refuses (permission_denied).
Result<void> read_response(ByteSpan content, const bolt::HeaderMap& header, const ValueShape& shape, bool plain, void* result,
                           const hessian::ClassFilter* classes);
/// The same for a dynamic result.
Result<hessian::Document> read_generic_response(ByteSpan content, const bolt::HeaderMap& header, const hessian::ClassFilter* classes);
/// The code that to_string() writes so; nothing for other words.
std::optional<Code> code_named(std::string_view name);
/// What the service threw. `code`: of a plain Error of a C++ peer (kCodeHeader), or empty.
Error thrown_error(JavaException exception, std::string_view code);
/// The sentence in the content of an error frame; empty when there is none.
std::string read_server_exception(ByteSpan content);

}  // namespace sofa::rpc::detail
