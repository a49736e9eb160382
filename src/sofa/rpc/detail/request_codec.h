#pragma once
// SofaRequest on the wire (docs/protocols/sofarpc.md, section 2): read with little work when it has the shape that every known writer gives it,
// else by the general reader; written from bytes that are encoded once for each method.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/rpc/context.h"
#include "sofa/rpc/detail/shape.h"
#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::rpc::detail {

inline constexpr std::string_view kRequestClass = "com.alipay.sofa.rpc.core.request.SofaRequest";
/// What stands before the keys of baggage among the headers.
inline constexpr std::string_view kRequestBaggage = "rpc_req_baggage.", kResponseBaggage = "rpc_resp_baggage.";
/// The trace context among the headers: entry by entry behind a prefix, or all in one text.
inline constexpr std::string_view kTracePrefix = "rpc_trace_context.", kSerializedTrace = "new_rpc_trace_context";
/// How many milliseconds the caller still waits.
inline constexpr std::string_view kRemainingTime = "sofa_head_deadline_remain_time";
inline constexpr std::string_view kResponseClass = "com.alipay.sofa.rpc.core.response.SofaResponse";

/// A signature of either style in the one form that methods are registered with: "[Ljava.lang.String;" for "java.lang.String[]", "[I" for "int[]".
std::string jvm_signature(std::string_view signature);

/// Joins signatures to the key of an overload: each followed by ';;'.
void append_signature(std::string& key, std::string_view signature);
/// The first signature of a joined key, taken off it; all of it when nothing ends it.
std::string_view take_signature(std::string_view& key);
/// The key with every signature in JVM form, for a caller that writes "java.lang.String[]".
std::string jvm_signatures(std::string_view key);

/// Where the arguments of a request begin, when its head had the usual shape; else the general reader finds them again.
struct ArgumentsAt {
  size_t offset = 0;  // 0: read from the beginning
};

/// What stands before the arguments of a SofaRequest. Views live as long as the content and this object.
class RequestHead {
 public:
  /// `classes` (null: all) says which classes may stand in the content, and lives during the call.
  Result<void> read(ByteSpan content, const hessian::ClassFilter* classes = nullptr);

  std::string_view service() const { return service_; }
  std::string_view method() const { return method_; }
  /// The joined signatures as they were received.
  std::string_view signatures() const { return {key_, key_size_}; }
  ArgumentsAt arguments_at() const { return at_; }

 private:
  static constexpr size_t kMaxKey = 1024;  // bytes of all signatures of one call
  bool recognise(ByteSpan content);
  Result<void> read_slowly(ByteSpan content, const hessian::ClassFilter* classes);
  bool add_signature(std::string_view signature);

  std::string_view service_, method_;
  ArgumentsAt at_;
  std::string slow_service_, slow_method_;
  size_t key_size_ = 0;
  char key_[kMaxKey];
};

/// Reads the arguments into default-made objects. `method` is for errors. A class that `classes` (null: all pass) refuses is permission_denied.
Result<void> read_arguments(ByteSpan content, ArgumentsAt at, const MethodShape& shape, void* const* into, std::string_view method,
                            const hessian::ClassFilter* classes);

/// The parts of a call that stand in its header map and in requestProps.
struct OutgoingHead {
  std::string_view service;  // unique name
  std::string_view method;
  std::string_view app;
  std::string_view protocol = "bolt";
  std::string_view type;          // "sync", "oneway"
  std::string_view generic_type;  // empty: an ordinary call
  const Pairs* baggage = nullptr;
  const Pairs* headers = nullptr;       // sent as they are
  const Context* served = nullptr;      // the call that this one is made for: its trace context goes along
  std::optional<int64_t> remaining_ms;  // sofa_head_deadline_remain_time
};

/// The header map of a request, by section 2.1.
void write_request_header(Buffer& out, const OutgoingHead& head);
/// What of it does not say whom the request is for: the properties that travel with a request over HTTP, too. Calls `add(key, value)`.
void each_property(const OutgoingHead& head, const std::function<void(std::string_view key, std::string_view value)>& add);

/// The content of a request with serializer 1.
Result<void> write_request(Buffer& out, const OutgoingHead& head, std::span<const std::string_view> signatures, const MethodShape& shape,
                           std::span<const void* const> arguments);
/// The same with dynamic arguments.
Result<void> write_generic_request(Buffer& out, const OutgoingHead& head, std::span<const std::string_view> signatures,
                                   std::span<const hessian::Value> arguments);

/// The end of a call whose kRemainingTime is this text, counted from `from`; kNoDeadline for none, or what is no number of milliseconds below 2^31
/// - 1.
Deadline deadline_after_remaining(std::string_view milliseconds, Instant from);

}  // namespace sofa::rpc::detail
