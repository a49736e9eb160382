#pragma once
// Bytes to messages of HTTP/1.1: pure, no socket, no clock. Boost.Beast's parser is inside; what RFC 9112 lets a reader be lenient about and what two
// readers may understand differently (request smuggling) is refused here before Beast sees it.

#include <memory>
#include <string>

#include "sofa/http/exchange.h"
#include "sofa/http/options.h"

namespace sofa::http::detail {

/// Why bytes are not taken as a message: the status for the peer, and a sentence.
struct Refusal {
  int status = 400;
  std::string reason;
};

enum class Step : uint8_t {
  need_more,  ///< read, then call again; also after data when its window is shut
  head,       ///< head() is whole
  data,       ///< data() is a piece of the body, valid until the next call
  end,        ///< the message is whole, trailers() too; the next call begins the next message
  refused,    ///< refusal() tells why; no further call
};

/// What the head says about what follows it.
struct MessageFacts {
  bool has_body = false;
  bool keep_alive = false;          ///< neither "connection: close" nor HTTP/1.0 without "keep-alive", nor a body that ends with the connection
  bool upgrade = false;             ///< "connection: upgrade" with an "upgrade"
  bool expects_continue = false;    ///< requests: "expect: 100-continue"
  uint64_t body_left = UINT64_MAX;  ///< of a body with a length, in bytes; UINT64_MAX while unknown
};

/// Requests (Head = RequestHead) or responses (Head = ResponseHead) of one connection, one after another.
template <class Head>
class MessageParser {
 public:
  /// `max_body`: of one message, 413 over it.
  explicit MessageParser(const MessageLimits& limits, uint64_t max_body = UINT64_MAX);
  ~MessageParser();

  /// Takes from the front of `in` what makes one step. A piece of data is at most `max_data` bytes; zero leaves data where it is.
  Step next(Buffer& in, size_t max_data);
  /// Responses: the next one answers a HEAD request and has no body whatever it says.
  void answers_head_request(bool yes);
  /// Responses: the stream has ended. True when that is the end of a body without a length: next() would say `end`.
  bool ends_with_stream() const;

  Head& head();
  const MessageFacts& facts() const;
  ByteSpan data() const;
  Headers& trailers();
  const Refusal& refusal() const;
  /// Between two messages, with nothing of the next one seen.
  bool idle() const;
  /// Inside a body.
  bool in_body() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

using RequestParser = MessageParser<RequestHead>;
using ResponseParser = MessageParser<ResponseHead>;

}  // namespace sofa::http::detail
