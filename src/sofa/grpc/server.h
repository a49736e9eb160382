#pragma once
// The gRPC server, in bytes: calls by path, on the shards of the HTTP connections. Typed services stand above (module rpc).
//
//   grpc::Server server(options);
//   server.add_unary("/helloworld.Greeter/SayHello", greeter);     // grpc::UnaryHandler
//   server.add_stream("/chat.Chat/Talk", chat);                    // grpc::StreamHandler
//   http::Http2Protocol http2(server);                             // it is an http::Handler
//
// Rules: docs/protocols/grpc.md (gRPC over HTTP2; compression; keep-alive).

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sofa/grpc/framing.h"
#include "sofa/grpc/status.h"
#include "sofa/http/exchange.h"
#include "sofa/http/options.h"
#include "sofa/io/scope.h"
#include "sofa/io/task.h"

namespace sofa::grpc {

struct ServerOptions {
  size_t max_receive_message = size_t{4} << 20;     ///< over it: RESOURCE_EXHAUSTED
  size_t max_send_message = size_t{32} << 20;       ///< likewise; more than the connection may queue (max_exchange_write_queue) never leaves
  size_t max_calls = 100'000;                       ///< unary ones of one shard that run, their message whole: over it UNAVAILABLE
  size_t max_streams = 100'000;                     ///< open calls of one shard that stream, from their head on: likewise
  Encoding response_encoding = Encoding::identity;  ///< used when the client accepts it and the handler does not choose
  http::PingPolicy pings{};                         ///< of clients whose "user-agent" names gRPC; others (Dubbo's, proxies') know no such rule
};

/// What every call has. Belongs to the shard of its connection.
class Call {
 public:
  virtual ~Call() = default;
  /// "/package.Service/Method".
  virtual std::string_view path() const = 0;
  /// The request's header fields; binary ones ("-bin") still in base64: binary().
  virtual const http::Headers& metadata() const = 0;
  virtual const io::Address& peer() const = 0;
  /// The name that the peer's certificate proved; empty without mTLS.
  virtual std::string_view peer_certificate_name() const { return {}; }
  virtual Deadline deadline() const = 0;
  /// Fields sent before the first message, and behind the last. A name that ends with "-bin" is encoded in base64.
  virtual void add_header(std::string_view name, std::string_view value) = 0;
  virtual void add_trailer(std::string_view name, std::string_view value) = 0;
  /// Of the messages of the answer from now on; identity when the client does not accept it.
  virtual void set_encoding(Encoding encoding) = 0;
  /// The encoding of the request's messages.
  virtual Encoding request_encoding() const = 0;
  /// Whether the message that was received last was compressed.
  virtual bool message_was_compressed() const = 0;

  /// The bytes of a "-bin" field; nothing when absent or no base64.
  std::optional<std::string> binary(std::string_view name) const;
};

/// One request message, one answer: the path without a coroutine. Dropped unanswered it answers INTERNAL.
class UnaryCall : public Call {
 public:
  /// The message; lives as long as the call, or until drop_message(). Its bytes count among what requests hold (Exchange::hold) until the call has
  /// ended: as long live values that were read from them.
  virtual ByteSpan message() const = 0;
  /// It is read: message() is empty from now on.
  virtual void drop_message() = 0;
  /// Whether the caller is gone (reset, connection lost, deadline passed). answer() then goes nowhere, in silence.
  virtual bool is_cancelled() const = 0;
  /// Called once, on the shard, when the caller is gone before the answer; at once when it is gone already.
  virtual void on_cancelled(void (*callback)(void* context), void* context) = 0;
  /// `Result<void> encode(Buffer&)` appends the message behind the prefix; its error becomes the answer.
  template <class Encode>
  void answer_with(Encode&& encode) {
    finish_answer(encode(begin_answer()));
  }
  void answer(ByteSpan message) {
    answer_with([&](Buffer& out) { return out.append(message), Result<void>(); });
  }
  void answer(const Error& error) {
    begin_answer();
    finish_answer(std::unexpected(error));
  }

 protected:
  virtual Buffer& begin_answer() = 0;
  virtual void finish_answer(Result<void> encoded) = 0;
};

class UnaryHandler {
 public:
  virtual ~UnaryHandler() = default;
  /// Answers now, or keeps the call and answers later, on its shard. Must not block and must not throw.
  virtual void handle(std::unique_ptr<UnaryCall> call) = 0;
};

/// A call whose messages come and go one by one, as coroutines.
class StreamCall : public Call {
 public:
  /// The next message of the client; nothing at its end. Fails when the call is cancelled or a message is broken or too long.
  virtual io::Task<Result<std::optional<Bytes>>> read() = 0;
  /// Sends a message; waits while the client does not take them.
  virtual io::Task<Result<void>> write(Bytes message) = 0;
};

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  /// The status is the returned result. Runs in a scope of its own that is cancelled when the caller is gone or its deadline passes. An exception is
  /// answered as UNKNOWN with its text.
  virtual io::Task<Result<void>> handle(StreamCall& call) = 0;
};

/// Counters, summed over all shards by the one who asks.
struct CallStats {
  uint64_t started = 0, succeeded = 0, failed = 0, cancelled = 0;
  uint64_t messages_in = 0, messages_out = 0;
};

/// What is served at a path.
enum class PathKind : uint8_t { none, unary, stream };

/// Finds the handler of a path and speaks the protocol. Fixed before the port opens; then shared by all shards.
class Server : public http::Handler {
 public:
  /// Made on a shard; serves the connections of all shards of its runtime.
  explicit Server(ServerOptions options = {});
  ~Server() override;

  /// Fails with already_exists when the path has a handler.
  Result<void> add_unary(std::string path, UnaryHandler& handler);
  Result<void> add_stream(std::string path, StreamHandler& handler);
  /// Gets requests whose content-type is no gRPC; without one they are answered with 404, 405 or 415, and a sentence that says how a method is
  /// called.
  void set_fallback(http::Handler& handler) { fallback_ = &handler; }
  bool has_fallback() const { return fallback_ != nullptr; }

  void handle(http::ExchangePtr exchange) override;
  PathKind kind_of(std::string_view path) const;
  const ServerOptions& options() const;
  CallStats stats() const;
  /// Cancels the streams of the current shard and waits for their end. Called on every shard, after the port has stopped and every UnaryCall is
  /// dropped, before the server goes.
  io::Task<void> stop_shard();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  http::Handler* fallback_ = nullptr;
};

}  // namespace sofa::grpc
