#pragma once
// What the tests of TLS share: contexts with certificates made on the spot, and both sides of a handshake.

#include <memory>
#include <string>
#include <utility>

#include "fixture.h"
#include "sofa/io/testing/certificates.h"
#include "sofa/io/tls.h"

namespace sofa::io {

using testing::Authority;
using testing::CertificateRequest;

inline const Authority& authority() {
  static const Authority one;
  return one;
}

inline std::shared_ptr<TlsServerContext> server_of(TlsServerConfig config) { return TlsServerContext::create(std::move(config)).value(); }
inline std::shared_ptr<TlsClientContext> client_of(TlsClientConfig config) { return TlsClientContext::create(std::move(config)).value(); }

inline TlsServerConfig server_config(const CertificateRequest& request = {}) { return {.certificates = {authority().issue(request)}}; }
inline TlsClientConfig client_config() { return {.ca = authority().certificate()}; }

inline constexpr Duration kShort = seconds(5);

/// The server's side of a handshake, with what becomes of it in `out`.
inline Task<void> accept_into(Stream stream, const TlsServerContext& context, Result<Stream>& out) {
  out = co_await tls_accept(std::move(stream), Buffer(), context, {.timeout = kShort, .alpn = {}});
}

/// What became of the two sides of one handshake.
struct Shaken {
  Result<Stream> client;
  Result<Stream> server;
};

inline Task<Result<Shaken>> shake(const TlsServerContext& server, const TlsClientContext& client, Pair pair, std::string name = "") {
  Result<Stream> accepted = fail(Code::internal, "not yet");
  TaskGroup group(co_await current_scope());
  group.spawn("accept", accept_into(std::move(pair.server), server, accepted));
  auto connected = co_await tls_connect(std::move(pair.client), client, {.timeout = kShort, .server_name = std::move(name)});
  co_await or_return(co_await group.join());
  co_return Shaken{std::move(connected), std::move(accepted)};
}

inline Task<Result<Shaken>> shake(const TlsServerContext& server, const TlsClientContext& client, std::string name = "") {
  co_return co_await shake(server, client, co_await or_return(connected_pair(loopback())), std::move(name));
}

/// Two ends of TLS, both in order, over two plain ends.
inline Task<Result<Pair>> secured(Pair plain) {
  const auto server = server_of(server_config());
  const auto client = client_of(client_config());
  Shaken both = co_await or_return(shake(*server, *client, std::move(plain)));
  co_return Pair{co_await or_return(std::move(both.client)), co_await or_return(std::move(both.server))};
}

inline Task<Result<Pair>> secure_pair(StreamOptions options = {}) {
  co_return co_await secured(co_await or_return(connected_pair(loopback(), options)));
}

inline void expect_says(const Error& error, std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts)
    EXPECT_NE(error.to_string().find(part), std::string::npos) << "'" << part << "' is not in: " << error.to_string();
}

class Tls : public ::testing::Test {
 protected:
  Runtime runtime_{{.shards = 1, .hold_limit = Duration::zero()}};
};

}  // namespace sofa::io
