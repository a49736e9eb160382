#pragma once
// Triple's wrapper messages: what stands in place of protobuf messages when a method has Java types (docs/protocols/triple.md, section 2). Bytes
// and values in and out, no calls.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/rpc/detail/shape.h"
#include "sofa/rpc/exception.h"
#include "sofa/wire/hessian/dialect.h"

namespace sofa::rpc::detail {

/// How the values inside a wrapper are written. It also says who the caller is.
enum class TripleSerializer : uint8_t {
  sofa_hessian,   ///< "hessian2": SOFARPC, dialect h3
  dubbo_hessian,  ///< "hessian4": Dubbo, dialect h4
};
/// Nothing for a name that is none of ours.
std::optional<TripleSerializer> triple_serializer(std::string_view name);
std::string_view to_string(TripleSerializer serializer);

/// The header that says that Dubbo's answer holds an exception, and its value for one of the service.
inline constexpr std::string_view kTripleExceptionHeader = "tri-exception-code", kTripleBusinessException = "3";

/// Views of the message that it was read from.
struct TripleRequest {
  TripleSerializer serializer = TripleSerializer::sofa_hessian;
  std::vector<ByteSpan> arguments;      ///< each a stream of its own
  std::vector<std::string_view> types;  ///< Class.getName() of each; other languages may leave them out
};
struct TripleResponse {
  TripleSerializer serializer = TripleSerializer::sofa_hessian;
  ByteSpan data;
  std::string_view type;
};

/// Errors: invalid_argument for bytes that are no such message, unimplemented for a serializer that is not ours.
Result<TripleRequest> read_triple_request(ByteSpan message);
Result<TripleResponse> read_triple_response(ByteSpan message);

/// One value, named `label` in errors. Void takes whatever stands there.
Result<void> read_triple_value(TripleSerializer serializer, ByteSpan data, const ValueShape& shape, void* into, std::string_view label,
                               const hessian::ClassFilter* classes);
/// Void and a null pointer are written as a null.
Result<void> write_triple_value(Buffer& out, TripleSerializer serializer, const ValueShape& shape, const void* value);
/// How a type is named in an answer: as the method declares it, or, in a stream, the class of its objects, which SOFARPC's client loads.
enum class TripleTypes : uint8_t { declared, boxed };
/// What a message of an answer holds: the value and its Java type.
Result<void> write_triple_result(Buffer& out, TripleSerializer serializer, const ValueShape& shape, const void* value,
                                 TripleTypes types = TripleTypes::declared);
/// What the service threw, as Dubbo sends it: the Throwable, with the type that the method declares all the same.
Result<void> write_triple_exception(Buffer& out, const ValueShape& shape, const JavaException& exception);
/// What such a message says: the exception as an Error, or what is wrong with it.
Result<void> read_triple_exception(const TripleResponse& response, const hessian::ClassFilter* classes);
/// What a message of a request holds: the arguments of a method, with their Java types.
Result<void> write_triple_arguments(Buffer& out, TripleSerializer serializer, const MethodShape& shape, std::span<const std::string_view> types,
                                    std::span<const void* const> arguments);

}  // namespace sofa::rpc::detail
