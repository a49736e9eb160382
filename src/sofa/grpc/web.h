#pragma once
// gRPC methods for those who speak no gRPC: browsers and curl, over HTTP/1.1 and HTTP/2, at the same paths.
//
//   grpc::Server server(options);
//   grpc::WebHandler web(server, &codec);       // an http::Handler: gRPC itself, and what it does not know, goes through to the server
//   http::Http1Protocol http1(web);
//
//   curl -H 'content-type: application/json' -d '{"name":"you"}' http://host/helloworld.Greeter/SayHello
//   curl 'http://host/helloworld.Greeter/SayHello?connect=v1&encoding=json&message=%7B%22name%22%3A%22you%22%7D'   # a method without side effects
//
// | content-type                                        | what it is                                           | which methods |
// |-----------------------------------------------------|------------------------------------------------------|---------------|
// | application/json, application/proto                 | Connect, unary: one message is the body              | unary         |
// | application/json                                    | one message is the body; answers in lines, or events | streams       |
// | application/connect+json, application/connect+proto | Connect, streams: messages in envelopes              | streams       |
// | application/grpc-web[+proto], -text[+proto]         | gRPC-Web: gRPC with its trailers in the body         | all           |
// | none, GET with "connect=v1"                         | Connect, unary: the message is in the query          | NO_SIDE_EFFECTS |
//
// Bodies and messages may be in gzip both ways, by the fields that each protocol has for it; answers of Connect from 1 KiB on, when the peer takes
// it.
//
//
// Each request is turned into one of gRPC and handed to the server, so that deadlines, limits, cancellation and counters are the same.
// Rules: docs/protocols/connect.md.

#include "sofa/grpc/server.h"
#include "sofa/http/middleware.h"

namespace sofa::grpc {

/// JSON of the messages of methods, which are known by their paths. Shared by all shards.
class JsonCodec {
 public:
  virtual ~JsonCodec() = default;
  /// Appends the method's request message in the bytes of protobuf; invalid_argument names what is wrong in the text.
  virtual Result<void> read_request(std::string_view path, std::string_view json, Buffer& out) const = 0;
  /// Appends the JSON of the method's response message.
  virtual Result<void> write_response(std::string_view path, ByteSpan message, Buffer& out) const = 0;
  /// Whether the method says of itself that it has no side effects (idempotency_level in its .proto): such a one may be called by GET.
  virtual bool is_free_of_side_effects(std::string_view path) const = 0;
};

/// An error as Connect's JSON has it: {"code":"not_found","message":"..."}, with the details of a StatusDetails.
std::string error_json(const Error& error);

/// Stands before a Server. Without a codec requests of JSON get 415, and no method is called by GET.
class WebHandler final : public http::Middleware {
 public:
  /// `codec` may be null; both outlive the handler.
  WebHandler(Server& server, const JsonCodec* codec) : Middleware(server), server_(server), codec_(codec) {}
  void handle(http::ExchangePtr exchange) override;

 private:
  void handle_get(http::ExchangePtr exchange);
  Server& server_;
  const JsonCodec* const codec_;
};

}  // namespace sofa::grpc
