#pragma once
// A request as a server's exchange gives it, with the test as the peer; records what is answered.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/grpc/server.h"
#include "sofa/io/runtime.h"

namespace sofa::grpc::testing {

/// What the peer has seen, and its hand on the exchange. Outlives the exchange.
struct Peer {
  std::optional<int> status;
  http::Headers head, trailers;
  Buffer data;
  size_t consumed = 0;
  bool ended = false, destroyed = false;
  std::optional<http::Reset> reset;
  std::optional<http::PingPolicy> pings;  // that it is held to
  bool write_blocked = false;
  bool body_may_rest = false;
  size_t held = 0;              // that the call keeps of what came
  size_t most_held = SIZE_MAX;  // more is refused
  size_t most_sent = SIZE_MAX;  // of one piece
  http::MessageSink* sink = nullptr;

  std::string_view grpc_status() const { return trailers.empty() ? head.get_or("grpc-status") : trailers.get_or("grpc-status"); }
  std::string_view grpc_message() const { return trailers.empty() ? head.get_or("grpc-message") : trailers.get_or("grpc-message"); }
  std::vector<std::string> messages(Encoding encoding = Encoding::identity) const {
    Deframer deframer(size_t{64} << 20, encoding);
    deframer.feed(data.span());
    std::vector<std::string> all;
    for (auto next = deframer.next(); next && *next; next = deframer.next()) all.emplace_back((*next)->text());
    return all;
  }
};

class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(Peer& peer, http::RequestHead head) : peer_(peer) { request_ = std::move(head); }
  ~FakeExchange() override { peer_.destroyed = true; }

  const io::Address& peer() const override { return address_; }
  void consumed(size_t n) override { peer_.consumed += n; }
  void let_body_rest() override { peer_.body_may_rest = true; }
  Result<void> hold(size_t bytes) override {
    peer_.held = bytes;
    return bytes <= peer_.most_held ? Result<void>() : fail(Code::resource_exhausted, "too much is held");
  }
  Result<void> room_for(size_t bytes) const override {
    return bytes <= peer_.most_sent ? Result<void>() : fail(Code::resource_exhausted, "{} bytes are too many", bytes);
  }
  Result<void> send_response(int status, const http::Headers& headers, bool end) override {
    EXPECT_FALSE(peer_.status) << "the head is sent once";
    peer_.status = status;
    peer_.head = headers;
    peer_.ended = end;
    return {};
  }
  Result<void> send_data(Bytes data, bool end) override {
    EXPECT_TRUE(peer_.status && !peer_.ended) << "data come between head and end";
    peer_.data.append(data);
    peer_.ended = end;
    return {};
  }
  Result<void> send_trailers(const http::Headers& trailers) override {
    EXPECT_TRUE(peer_.status && !peer_.ended) << "trailers come between head and end";
    peer_.trailers = trailers;
    peer_.ended = true;
    return {};
  }
  void hold_to(const http::PingPolicy& policy) override { peer_.pings = policy; }
  void reset(http::Reset reason) override { peer_.reset = reason; }
  size_t pending_bytes() const override { return 0; }
  bool write_blocked() const override { return peer_.write_blocked; }

  http::MessageSink* sink() const { return sink_; }

 private:
  Peer& peer_;
  const io::Address address_ = io::Address::of("127.0.0.1", 4711);
};

/// Gives a request to the server, or to what stands before it; the events of its body are the test's to send: `peer.sink`.
inline void request(http::Handler& server, Peer& peer, std::string path, std::initializer_list<http::HeaderField> further = {},
                    std::string_view content_type = "application/grpc", std::string_view method = "POST") {
  http::RequestHead head{.method = std::string(method), .target = std::move(path), .version = http::Version::http2};
  head.headers.add("content-type", content_type);
  head.headers.add("te", "trailers");
  for (const http::HeaderField& field : further) head.headers.add(field.name, field.value);
  auto exchange = std::make_unique<FakeExchange>(peer, std::move(head));
  FakeExchange& fake = *exchange;
  server.handle(std::move(exchange));
  if (!peer.destroyed) peer.sink = fake.sink();
}

/// Sends the whole body.
inline void send_body(Peer& peer, ByteSpan body) {
  http::Headers none;
  if (!peer.destroyed && !body.empty()) peer.sink->on_data(body);
  if (!peer.destroyed) peer.sink->on_end(none);
}
inline void send_message(Peer& peer, std::string_view message) { send_body(peer, *frame(as_bytes(message), Encoding::identity)); }

}  // namespace sofa::grpc::testing
