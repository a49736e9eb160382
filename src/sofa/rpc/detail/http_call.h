#pragma once
// SOFARPC's calls over HTTP (docs/protocols/http.md, section 3): a request that becomes a call, and the call as the typed part sees it.

#include <memory>
#include <optional>
#include <string_view>

#include "sofa/grpc/web.h"
#include "sofa/http/exchange.h"
#include "sofa/io/scope.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/rpc/detail/written_arguments.h"

namespace sofa::rpc::detail {

/// The field that names the serialization; SOFARPC's clients always send it.
inline constexpr std::string_view kSerializeType = "sofa_head_serialize_type";

/// How arguments and result are written.
enum class HttpSerializer : uint8_t {
  written,   ///< JSON, or a query, as people write it
  json,      ///< JSON as SOFARPC's serializer 12 has it
  hessian,   ///< the content of Bolt's serializer 1
  protobuf,  ///< the message of a protobuf method
};
/// By "sofa_head_serialize_type", else by the content type. Errors: unimplemented, with what there is.
Result<HttpSerializer> http_serializer(const http::RequestHead& request);

/// Service and method of a path "/<service>/<method>", decoded. SOFARPC's clients leave version 1.0 out of the service's unique name: it is put back.
/// Nothing for other paths.
struct HttpTarget {
  std::string service, method;
  bool has_version;    ///< it came with the service
  bool is_plain_name;  ///< the service came as its interface alone, so that the path may be one of gRPC
};
std::optional<HttpTarget> http_target(std::string_view path);

/// A request whose body comes. Owns itself until the body is whole, then hands itself to `ready`.
class HttpRequest final : public http::MessageSink {
 public:
  using Ready = void (*)(void* context, std::unique_ptr<HttpRequest> request);
  /// Takes the exchange; `max_body` in bytes, over it 413.
  static void receive(http::ExchangePtr exchange, HttpTarget target, size_t max_body, Ready ready, void* context);

  const http::RequestHead& head() const { return exchange_->request(); }
  http::Exchange& exchange() { return *exchange_; }
  const HttpTarget& target() const { return target_; }
  ByteSpan body() const { return body_.span(); }
  /// When the caller stops waiting (kRemainingTime); counted from the head.
  Deadline deadline() const { return deadline_; }
  bolt::HeaderMap trace() const;
  /// Cancels the scope when the caller is gone; at once when it is already. The scope lives until the request ends, or cancel_nothing().
  void cancel_when_gone(io::Scope& scope);
  void cancel_nothing() { scope_ = nullptr; }
  bool is_gone() const { return gone_; }

  /// Answers with an error: those who wrote JSON or a query get Connect's JSON of it, SOFARPC's clients the sentence. `further` are header fields.
  void answer_error(int status, const Error& error, http::Headers further = {});
  /// SOFARPC's clients say how they serialize; all others are people, scripts and pages.
  bool is_of_sofa_client() const { return head().headers.contains(kSerializeType); }
  void answer(int status, std::string_view content_type, Bytes body, http::Headers fields);

  void on_data(ByteSpan data) override;
  void on_end(http::Headers& trailers) override;
  void on_abort(Error error) override;
  void on_hang_up() override { cancel_scope(); }

 private:
  void cancel_scope();
  HttpRequest(http::ExchangePtr exchange, HttpTarget target, size_t max_body, Ready ready, void* context);

  const http::ExchangePtr exchange_;
  const HttpTarget target_;
  const size_t max_body_;
  const Ready ready_;
  void* const context_;
  const Deadline deadline_;
  const Buffer trace_;
  Buffer body_;
  bool handed_over_ = false;
  bool gone_ = false;
  bool cancelled_ = false;
  io::Scope* scope_ = nullptr;
};

/// What a request says beside its body's bytes.
struct HttpCallParts {
  HttpSerializer serializer;
  ArgumentsAt at{};                             // of Hessian
  std::optional<WrittenArguments> arguments{};  // of those that are written
  const grpc::JsonCodec* messages = nullptr;    // JSON of protobuf methods; null: none
};

class HttpServerCall final : public ServerCall {
 public:
  HttpServerCall(HttpRequest& request, const HttpCallParts& parts, const MethodEntry& entry, ShardServer& shard, CallTimer timer);

  Context& context() override { return context_; }

 private:
  /// An argument that cannot be read is a request that cannot be read: status 400 with a sentence.
  bool read(void* const* into) override;
  std::optional<Code> send(const void* result) override;
  /// "sofa_head_response_error", and to SOFARPC's clients 200 and the exception as a text; to all others the status of the code.
  std::optional<Code> send(Error error) override;
  /// Why nothing is to be answered: the caller is gone, or has been told that it waited too long.
  std::optional<Code> unanswerable();
  Code refuse_answer(size_t size);
  Result<void> read_content(void* const* into) const;
  Result<void> read_message(void* into) const;
  Result<void> write(Buffer& out, const void* result) const;
  Result<void> write_message(Buffer& out, const void* result) const;
  http::Headers fields() const;

  HttpRequest& request_;
  const HttpCallParts& parts_;
  const MethodEntry& entry_;
  ShardServer& shard_;
  Context context_;
};

}  // namespace sofa::rpc::detail
