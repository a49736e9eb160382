#pragma once
// A client connection of HTTP/2 or HTTP/1.1. Pools, balancing and retries belong to who uses it.

#include <memory>

#include "sofa/http/exchange.h"
#include "sofa/http/options.h"
#include "sofa/io/stream.h"
#include "sofa/io/task.h"

namespace sofa::http {

/// A connection that sends requests. Belongs to the shard that connected it; close() it and await the end before it goes.
class ClientConnection {
 public:
  virtual ~ClientConnection() = default;

  /// Sends a request's head and gives its exchange, whose sink gets the answer. `end`: there is no body.
  /// Fails with Code::unavailable when the connection is closed or the peer has said GOAWAY, with Code::resource_exhausted when the peer's limit of
  /// concurrent exchanges is reached (HTTP/1.1: one; the caller waits for can_start()).
  virtual Result<ExchangePtr> start(RequestHead request, MessageSink& sink, bool end) = 0;
  /// Whether start() would be taken now.
  virtual bool can_start() const = 0;
  /// Exchanges that run.
  virtual size_t running() const = 0;
  virtual bool is_open() const = 0;
  /// HTTP/2: the peer has said GOAWAY, whatever for.
  virtual bool told_to_go() const { return false; }
  /// HTTP/2: the peer has said GOAWAY because this side's PINGs came too often ("too_many_pings"): connect again with a longer keep_alive_interval.
  virtual bool pinged_too_often() const { return false; }
  virtual const io::Address& peer() const = 0;
  /// Waits until the connection has ended, whoever ended it. One waiter; an error when its scope is cancelled.
  virtual io::Task<Result<void>> ended() = 0;
  /// Lets what runs end, until the awaiter's deadline, then closes.
  virtual io::Task<Result<void>> drain() = 0;
  /// Closes now: what runs gets on_abort. Ends when the connection's tasks have ended.
  virtual io::Task<void> close() = 0;
};

/// HTTP/2 over a connected stream, with prior knowledge. Sends the preface at once and does not wait for the peer's.
Result<std::unique_ptr<ClientConnection>> connect_http2(io::Stream stream, Http2Options options = {});
/// HTTP/1.1 over a connected stream.
Result<std::unique_ptr<ClientConnection>> connect_http1(io::Stream stream, Http1Options options = {});

}  // namespace sofa::http
