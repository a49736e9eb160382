#pragma once
// gRPC methods for those who speak no gRPC: browsers and curl, over HTTP/1.1 and HTTP/2, at the same paths.
//
//   grpc::Server server(options);
//   grpc::WebHandler web(server, &codec);       // an http::Handler: gRPC itself, and what it does not know, goes through to the server
//   http::Http1Protocol http1(web);
//
//   curl -H 'content-type: application/json' -d '{"name":"you"}' http://host/helloworld.Greeter/SayHello
//
// | content-type                                      | what it is                                     | which methods |
// |---------------------------------------------------|------------------------------------------------|---------------|
// | application/json, application/proto               | Connect, unary: one message is the body        | unary         |
// | application/connect+json, application/connect+proto | Connect, streams: messages in envelopes      | that stream   |
// | application/grpc-web[+proto], -text[+proto]       | gRPC-Web: gRPC with its trailers in the body   | all           |
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
};

/// Stands before a Server. Requests of JSON without a codec get 415.
class WebHandler final : public http::Middleware {
 public:
  /// `codec` may be null; both outlive the handler.
  WebHandler(Server& server, const JsonCodec* codec) : Middleware(server), server_(server), codec_(codec) {}
  void handle(http::ExchangePtr exchange) override;

 private:
  Server& server_;
  const JsonCodec* const codec_;
};

}  // namespace sofa::grpc
