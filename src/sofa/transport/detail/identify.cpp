#include "sofa/transport/detail/identify.h"

namespace sofa::transport::detail {

namespace {

std::vector<std::string> alpn_names(const std::vector<Protocol*>& protocols) {
  std::vector<std::string> names;
  for (const Protocol* protocol : protocols) {
    if (!protocol->alpn().empty()) names.emplace_back(protocol->alpn());
  }
  return names;
}

Protocol* named(const std::vector<Protocol*>& protocols, std::string_view alpn) {
  const auto found = std::ranges::find_if(protocols, [&](const Protocol* protocol) { return !alpn.empty() && protocol->alpn() == alpn; });
  return found == protocols.end() ? nullptr : *found;
}

/// What a connection may begin with.
struct Allowed {
  bool plain = true;
  bool tls = false;
};

struct Detection {
  Protocol* protocol = nullptr;
  bool tls = false;
  bool undecided = false;
  bool known() const { return protocol != nullptr || tls; }
};

Detected detect_tls(ByteSpan first_bytes) {
  if (first_bytes[0] != io::kTlsFirstBytes[0]) return Detected::no;
  if (first_bytes.size() < 2) return Detected::maybe;
  return first_bytes[1] == io::kTlsFirstBytes[1] ? Detected::yes : Detected::no;
}

Detection look(const PortShared& port, Allowed allowed, ByteSpan first_bytes) {
  Detection found;
  if (allowed.tls) {
    const Detected tls = detect_tls(first_bytes);
    if (tls == Detected::yes) return {.tls = true};
    found.undecided = tls == Detected::maybe;
  }
  if (!allowed.plain) return found;
  for (Protocol* protocol : port.protocols) {
    switch (protocol->detect(first_bytes)) {
      case Detected::yes:
        return {.protocol = protocol};
      case Detected::maybe:
        found.undecided = true;
        break;
      case Detected::no:
        break;
    }
  }
  return found;
}

io::Task<Result<size_t>> read_more(io::Stream& stream, Buffer& in, size_t max) { co_return co_await stream.read_some(in, max); }

io::Task<Result<Detection>> read_until_known(io::Stream& stream, Buffer& in, const PortShared& port, Allowed allowed) {
  const size_t max = port.options.max_first_bytes;
  for (;;) {
    const Detection found = look(port, allowed, in.span());
    if (!found.undecided || found.known()) co_return found;
    if (in.size() >= max) co_return Detection{};
    if (co_await io::or_return(read_more(stream, in, max - in.size())) == 0) co_return Detection{};
  }
}

// Sets kind and reason when nothing is found.
io::Task<Detection> detect(Identified& connection, const PortShared& port, Allowed allowed) {
  const PortOptions& options = port.options;
  Buffer& in = connection.prefix;
  const auto first = co_await io::with_timeout(options.silent_timeout, read_more(connection.stream, in, options.max_first_bytes));
  if (!first || *first == 0) {
    connection.kind = !first && first.error().code() == Code::deadline_exceeded ? CloseKind::idle : CloseKind::peer;
    co_return Detection{};
  }
  const auto found = co_await io::with_timeout(options.detect_timeout, read_until_known(connection.stream, in, port, allowed));
  if (found && found->known()) co_return *found;
  connection.kind = found ? CloseKind::unknown_protocol : CloseKind::half_frame;
  connection.reason = !found           ? "its first bytes did not tell its protocol in time (detect_timeout)"
                      : !allowed.plain ? "its first bytes are not TLS, and this port takes nothing else (tls_only)"
                                       : "its first bytes are no protocol of this port";
  co_return Detection{};
}

io::Task<bool> decrypt(Identified& connection, const PortShared& port) {
  io::TlsAcceptOptions how;
  how.timeout = port.options.handshake_timeout;
  how.alpn = port.options.tls->config().alpn.empty() ? port.alpn : port.options.tls->config().alpn;
  auto secure = co_await io::tls_accept(std::move(connection.stream), std::exchange(connection.prefix, {}), *port.options.tls, std::move(how));
  if (secure) {
    connection.stream = std::move(*secure);
    co_return true;
  }
  connection.kind = CloseKind::tls_failed;
  connection.reason = secure.error().to_string();
  co_return false;
}

}  // namespace

PortShared::PortShared(std::vector<Protocol*> list, PortOptions port_options)
    : protocols(std::move(list)), options(std::move(port_options)), alpn(alpn_names(protocols)), refusal_log(options.log_lines_per_second) {}

io::Task<Identified> identify(io::Stream stream, const PortShared& port) {
  Identified connection{.stream = std::move(stream), .prefix = {}};
  const bool tls = port.options.tls != nullptr;
  Detection found = co_await detect(connection, port, {.plain = !port.options.tls_only, .tls = tls});
  if (found.tls) {
    if (!co_await decrypt(connection, port)) co_return connection;
    found.protocol = named(port.protocols, connection.stream.alpn());
    if (found.protocol == nullptr) found = co_await detect(connection, port, {.plain = true, .tls = false});
  }
  connection.protocol = found.protocol;
  co_return connection;
}

}  // namespace sofa::transport::detail
