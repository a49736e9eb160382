#include "sofa/rpc/detail/channelz_service.h"

#include <arpa/inet.h>

#include <algorithm>

#include "sofa/base/protobuf_fields.h"
#include "sofa/rpc/detail/calls_service.h"

namespace sofa::rpc::detail {

namespace {

using transport::ConnectionSnapshot;

constexpr uint64_t kServerId = 1;
constexpr uint64_t kFirstPort = 2;      // the ports follow the server
constexpr uint64_t kMostSockets = 100;  // of one answer; a client asks on from the last one

/// The numbers by which channelz knows sockets, given those of the connections in their ports.
struct SocketIds {
  uint64_t ports;
  uint64_t first_connection() const { return kFirstPort + ports; }
  bool is_port(uint64_t id) const { return id >= kFirstPort && id < first_connection(); }
  uint64_t of(uint64_t port, const ConnectionSnapshot& connection) const { return first_connection() + connection.id * ports + port; }
  /// The first connection of `port` whose number is at least `id`.
  uint64_t connection_from(uint64_t id, uint64_t port) const {
    const uint64_t first = first_connection() + port;
    return id <= first ? 0 : (id - first + ports - 1) / ports;
  }
};

std::string socket_name(const ConnectionSnapshot& connection) {
  return fmt::format("{} {}", connection.protocol.empty() ? "unknown" : connection.protocol, connection.peer.to_string());
}

void write_address(ProtobufWriter& to, uint32_t field, const io::Address& address) {
  uint8_t ip[16];
  size_t size = 0;
  if (address.kind() == io::Address::Kind::ipv4 && ::inet_pton(AF_INET, address.host().c_str(), ip) == 1) size = 4;
  if (address.kind() == io::Address::Kind::ipv6 && ::inet_pton(AF_INET6, address.host().c_str(), ip) == 1) size = 16;
  to.message(field, [&](ProtobufWriter& written) {
    if (size == 0) return written.message(address.is_unix() ? 2 : 3, [&](ProtobufWriter& named) { named.text(1, address.host()); });
    written.message(1, [&](ProtobufWriter& tcp) {
      tcp.bytes(1, ByteSpan(ip, size));
      tcp.number(2, address.port());
    });
  });
}

void write_socket_ref(ProtobufWriter& to, uint32_t field, uint64_t id, std::string_view name) {
  to.message(field, [&](ProtobufWriter& ref) {
    ref.number(3, id);
    ref.text(4, name);
  });
}

void write_connection(ProtobufWriter& to, uint64_t id, const ConnectionSnapshot& connection) {
  write_socket_ref(to, 1, id, socket_name(connection));
  to.message(2, [&](ProtobufWriter& data) {
    data.number(1, connection.stats.requests_in);
    data.number(6, connection.stats.heartbeats_out);
  });
  write_address(to, 3, connection.local);
  write_address(to, 4, connection.peer);
  if (!connection.secure) return;
  to.message(5, [](ProtobufWriter& security) { security.message(1, [](ProtobufWriter& tls) { tls.text(2, "TLS"); }); });
}

void write_server(ProtobufWriter& to, const ChannelzService::Shown& shown) {
  to.message(1, [](ProtobufWriter& ref) { ref.number(5, kServerId); });
  to.message(2, [&](ProtobufWriter& data) {
    data.number(2, shown.calls.started);
    data.number(3, shown.calls.succeeded);
    data.number(4, shown.calls.failed + shown.calls.cancelled);
  });
  for (size_t port = 0; port < shown.ports.size(); ++port) write_socket_ref(to, 3, kFirstPort + port, shown.ports[port]->local().to_string());
}

std::unexpected<Error> not_found(std::string_view what, uint64_t id) { return fail(Code::not_found, "there is no {} {} here", what, id); }

}  // namespace

Result<ChannelzService::Request> ChannelzService::Request::read(ByteSpan message) {
  Request request;
  ProtobufFields fields(message);
  while (const auto field = fields.next_of_any_kind()) {
    if (!field->is_number) continue;
    if (field->number == 1) request.first = field->value;
    if (field->number == 2) request.second = field->value;
    if (field->number == 3) request.third = field->value;
  }
  if (fields.is_broken()) return fail(Code::invalid_argument, "{} bytes are no request of channelz", message.size());
  return request;
}

ChannelzService::ChannelzService(io::Shard& home, std::function<Shown()> shown, ShowCalls to_whom)
    : home_(home), shown_(std::move(shown)), to_whom_(to_whom) {
  const std::pair<std::string_view, Answer> methods[] = {{"GetTopChannels", &ChannelzService::top_channels},
                                                         {"GetChannel", &ChannelzService::no_channel},
                                                         {"GetSubchannel", &ChannelzService::no_channel},
                                                         {"GetServers", &ChannelzService::servers},
                                                         {"GetServer", &ChannelzService::server},
                                                         {"GetServerSockets", &ChannelzService::server_sockets},
                                                         {"GetSocket", &ChannelzService::socket}};
  for (const auto& [name, answer] : methods) methods_.push_back(std::make_unique<Method>(*this, name, answer));
}

Result<void> ChannelzService::add_to(grpc::Server& server) {
  if (to_whom_ == ShowCalls::nobody) return {};
  for (const auto& method : methods_) {
    if (auto added = server.add_stream(fmt::format("/grpc.channelz.v1.Channelz/{}", method->name), *method); !added) return added;
  }
  return {};
}

Task<Result<void>> ChannelzService::handle(grpc::StreamCall& call, Answer answer) {
  co_await or_return(check_may_see(to_whom_, call.peer()));
  const auto message = co_await or_return(call.read());
  const Request request = co_await or_return(Request::read(message ? ByteSpan(*message) : ByteSpan()));
  Bytes answered = co_await or_return(io::on(home_, [this, request, answer] { return (this->*answer)(request); }));
  co_return co_await call.write(std::move(answered));
}

Task<Result<Bytes>> ChannelzService::top_channels(Request) const {
  Buffer out;
  ProtobufWriter(out).number(2, 1);
  co_return out.take();
}

Task<Result<Bytes>> ChannelzService::no_channel(Request request) const { co_return not_found("channel or subchannel", request.first); }

Task<Result<Bytes>> ChannelzService::servers(Request request) const {
  Buffer out;
  ProtobufWriter to(out);
  if (request.first <= kServerId) to.message(1, [this](ProtobufWriter& server) { write_server(server, shown_()); });
  to.number(2, 1);
  co_return out.take();
}

Task<Result<Bytes>> ChannelzService::server(Request request) const {
  if (request.first != kServerId) co_return not_found("server", request.first);
  Buffer out;
  ProtobufWriter(out).message(1, [this](ProtobufWriter& server) { write_server(server, shown_()); });
  co_return out.take();
}

Task<Result<Bytes>> ChannelzService::server_sockets(Request request) const {
  if (request.first != kServerId) co_return not_found("server", request.first);
  const std::vector<transport::Port*> ports = shown_().ports;
  const SocketIds ids{ports.size()};
  const uint64_t most = request.third == 0 ? kMostSockets : std::min(request.third, kMostSockets);
  std::vector<std::pair<uint64_t, std::string>> sockets;
  for (size_t port = 0; port < ports.size(); ++port) {
    // One more than are sent tells whether there are more.
    const auto connections = co_await or_return(ports[port]->connections(ids.connection_from(request.second, port), most + 1));
    for (const ConnectionSnapshot& connection : connections) sockets.emplace_back(ids.of(port, connection), socket_name(connection));
  }
  std::ranges::sort(sockets);
  Buffer out;
  ProtobufWriter to(out);
  for (size_t i = 0; i < std::min<size_t>(most, sockets.size()); ++i) write_socket_ref(to, 1, sockets[i].first, sockets[i].second);
  to.number(2, sockets.size() <= most ? 1 : 0);
  co_return out.take();
}

Task<Result<Bytes>> ChannelzService::socket(Request request) const {
  const std::vector<transport::Port*> ports = shown_().ports;
  const SocketIds ids{ports.size()};
  const uint64_t id = request.first;
  Buffer out;
  if (ids.is_port(id)) {
    const io::Address local = ports[id - kFirstPort]->local();
    ProtobufWriter(out).message(1, [&](ProtobufWriter& socket) {
      write_socket_ref(socket, 1, id, local.to_string());
      write_address(socket, 3, local);
    });
    co_return out.take();
  }
  if (ports.empty() || id < ids.first_connection()) co_return not_found("socket", id);
  const size_t port = (id - ids.first_connection()) % ports.size();
  const auto found = co_await or_return(ports[port]->connections(ids.connection_from(id, port), 1));
  if (found.empty() || ids.of(port, found.front()) != id) co_return not_found("socket", id);
  ProtobufWriter(out).message(1, [&](ProtobufWriter& socket) { write_connection(socket, id, found.front()); });
  co_return out.take();
}

}  // namespace sofa::rpc::detail
