#pragma once
// A served AdminServer and a client of it, on one shard.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "sofa/admin/admin_server.h"
#include "sofa/http/channel.h"
#include "sofa/io/runtime.h"
#include "sofa/io/stream.h"

namespace sofa::admin::testing {

/// Knows the tokens "admin" (may do all) and "viewer" (may read), and the password "secret" of the user ada; the cookie "sid=1" is ada's session.
class FakeGate final : public Gate {
 public:
  io::Task<Result<Principal>> identify(const Credentials& credentials) override {
    if (credentials.authorization == "Basic YWRhOnNlY3JldA==") co_return Principal{.name = "ada", .proof = Proof::password};
    co_return identify_at_once(credentials);
  }
  Result<Principal> identify_at_once(const Credentials& credentials) override {
    if (credentials.authorization == "Bearer admin") return Principal{.name = "admin", .proof = Proof::token};
    if (credentials.authorization == "Bearer viewer") return Principal{.name = "viewer", .proof = Proof::token};
    if (credentials.cookies.find("sid=1") != std::string_view::npos) return Principal{.name = "ada", .proof = Proof::session, .session = "1"};
    return fail(Code::unauthenticated, "the request proves nobody: send a token or a password");
  }
  Result<void> may(const Principal& principal, std::string_view permission) const override {
    if (principal.name != "viewer" || permission.ends_with(":read")) return {};
    return fail(Code::permission_denied, "{} lacks the permission {}", principal.name, permission);
  }
  std::vector<std::string> permissions_of(const Principal& principal) const override { return {principal.name == "viewer" ? "*:read" : "*"}; }
  std::string csrf_token(const Principal&) const override { return "the-token"; }
  std::string challenge() const override { return "Basic realm=\"sofa\", Bearer"; }
};

/// What a client has got.
struct Got {
  int status = 0;
  http::Headers headers{};
  std::string body{};
};

inline http::Headers with_token(std::string_view token) { return {{"authorization", fmt::format("Bearer {}", token)}}; }

/// Runs `body` beside a server that `prepare` has filled.
inline void serve(AdminOptions options, const std::function<void(AdminServer&)>& prepare,
                  const std::function<io::Task<void>(AdminServer&, http::Channel&)>& body) {
  options.port = 0;
  io::Runtime runtime({.shards = 1});
  runtime.block_on([&]() -> io::Task<void> {
    AdminServer server(std::move(options));
    prepare(server);
    if (auto started = co_await server.start(); !started) {
      ADD_FAILURE() << started.error().to_string();
      co_return;
    }
    {
      http::Channel channel(io::Address::of("127.0.0.1", server.port()));
      co_await body(server, channel);
      co_await channel.close();
    }
    if (auto stopped = co_await server.stop(); !stopped) ADD_FAILURE() << stopped.error().to_string();
  }());
}

inline io::Task<Got> ask(http::Channel& channel, std::string method, std::string target, http::Headers headers = {}, std::string body = {}) {
  if (!body.empty()) headers.add("content-type", "application/json");
  auto answer =
      co_await channel.exchange({.method = std::move(method), .target = std::move(target), .headers = std::move(headers)}, Bytes::copy_of(body));
  if (!answer) co_return Got{.status = 0, .body = answer.error().to_string()};
  co_return Got{answer->status, std::move(answer->headers), std::string(answer->body.text())};
}

/// The whole answer to a request as it stands, on a connection of its own that the server closes.
inline io::Task<std::string> ask_raw(uint16_t port, std::string request) {
  auto stream = co_await io::Stream::connect(io::Address::of("127.0.0.1", port));
  if (!stream) co_return stream.error().to_string();
  (void)stream->write(Bytes::copy_of(request));
  Buffer in;
  for (auto got = co_await stream->read_some(in); got && *got > 0; got = co_await stream->read_some(in)) {
  }
  co_return std::string(as_text(in.span()));
}

}  // namespace sofa::admin::testing
