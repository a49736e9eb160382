#pragma once
// The gRPC client, in bytes: calls over one or a few HTTP/2 connections to one server. Typed stubs stand above (module rpc).
//
//   auto channel = grpc::Channel(address);
//   Bytes answer = co_await or_return(channel.unary("/helloworld.Greeter/SayHello", std::move(request), {.timeout = 1s}));

#include <memory>
#include <optional>
#include <string>

#include "sofa/grpc/framing.h"
#include "sofa/grpc/status.h"
#include "sofa/http/client.h"
#include "sofa/io/task.h"
#include "sofa/io/tls.h"

namespace sofa::grpc {

struct ChannelOptions {
  std::string authority{};  ///< ":authority"; empty: the address
  std::string user_agent = "grpc-c++-sofa/0.1";
  size_t max_receive_message = size_t{4} << 20;
  Duration connect_timeout = std::chrono::seconds(5);
  Duration max_backoff = std::chrono::seconds(20);      ///< between attempts to connect, from 50 ms on, with jitter
  Duration default_timeout = std::chrono::seconds(10);  ///< of a unary call that names none
  size_t max_waiting = 65'536;  ///< calls that wait for a connection, or for a place among those that the server allows on it, in their order
  std::shared_ptr<io::TlsClientContext> tls{};  ///< null: plain. "h2" is offered by ALPN, whatever the context says. The channel watches its files
  /// Its keep_alive_interval doubles when the server says "too_many_pings", up to 2 hours.
  http::Http2Options http2{.keep_alive_when_idle = false};
};

struct CallOptions {
  Duration timeout{};        ///< zero: the channel's, none for a stream; never past the scope's deadline. Sent as "grpc-timeout"
  http::Headers metadata{};  ///< names that end with "-bin" are encoded
  Encoding encoding = Encoding::identity;
  http::Headers* headers = nullptr;   ///< filled with the answer's fields; must outlive the call
  http::Headers* trailers = nullptr;  ///< likewise
};

/// A call with streams. Destroyed before its end it is cancelled.
class ClientStream {
 public:
  virtual ~ClientStream() = default;
  virtual io::Task<Result<void>> write(Bytes message) = 0;
  /// Of the messages from here from now on: CallOptions::encoding, with which it begins, or identity.
  virtual void set_encoding(Encoding encoding) = 0;
  /// No further message comes from here.
  virtual Result<void> finish_writes() = 0;
  /// The next message; nothing when the server has ended with OK; its status as the error otherwise.
  virtual io::Task<Result<std::optional<Bytes>>> read() = 0;
  /// Whether the message that was read last came compressed.
  virtual bool message_was_compressed() const = 0;
  /// Waits for the answer's head.
  virtual io::Task<Result<const http::Headers*>> headers() = 0;
  virtual const http::Headers& trailers() const = 0;
};

/// One server. Belongs to the shard that made it. Connects when first used and again after a loss.
class Channel {
 public:
  explicit Channel(io::Address address, ChannelOptions options = {});
  ~Channel();
  /// Waits for a connection, or for the failure of the attempt that runs.
  io::Task<Result<void>> connect();
  bool is_connected() const;
  /// For calls to come: connects in the background, unless it must still wait after a failure.
  void start_connecting();
  /// A call of one message each way. A request that the server says it has not begun with is sent again, at most twice.
  io::Task<Result<Bytes>> unary(std::string path, Bytes message, CallOptions options = {});
  io::Task<Result<std::unique_ptr<ClientStream>>> stream(std::string path, CallOptions options = {});
  /// Ends what runs with Code::unavailable, and the connections. Before the channel is destroyed.
  io::Task<void> close();

 private:
  struct Impl;
  struct Stream;
  std::shared_ptr<Impl> impl_;  // shared with what runs
};

}  // namespace sofa::grpc
