#include "sofa/boot/connections_part.h"

#include "sofa/base/unix_time.h"
#include "sofa/rpc/inspector.h"

namespace sofa::boot {

namespace {

struct ConnectionRow {
  std::string id{}, protocol{}, direction{}, peer{}, local{};
  bool tls = false;
  int64_t opened_at_ms = 0, requests = 0, bytes_in = 0, bytes_out = 0, shard = 0;
  static void describe(Description<ConnectionRow>& d) {
    d.java_type("sofa.Connection");
    d.field("id", &ConnectionRow::id);
    d.field("protocol", &ConnectionRow::protocol).doc("bolt, dubbo, h2, http1; empty while its first bytes have not told");
    d.field("direction", &ConnectionRow::direction).doc("in: the peer has connected");
    d.field("peer", &ConnectionRow::peer);
    d.field("local", &ConnectionRow::local);
    d.field("tls", &ConnectionRow::tls);
    d.field("opened_at_ms", &ConnectionRow::opened_at_ms).unit("ms since 1970");
    d.field("requests", &ConnectionRow::requests).doc("that came over it");
    d.field("bytes_in", &ConnectionRow::bytes_in).unit("bytes");
    d.field("bytes_out", &ConnectionRow::bytes_out).unit("bytes");
    d.field("shard", &ConnectionRow::shard).doc("the thread that serves it");
  }
};

struct ConnectionRows {
  std::vector<ConnectionRow> connections{};
  int64_t left_off = 0;
  static void describe(Description<ConnectionRows>& d) {
    d.field("connections", &ConnectionRows::connections);
    d.field("left_off", &ConnectionRows::left_off).doc("further ones, over the limit");
  }
};

struct ConnectionsQuery {
  uint32_t limit = 1'000;
  static void describe(Description<ConnectionsQuery>& d) { d.field("limit", &ConnectionsQuery::limit).range(1, 10'000); }
};

ConnectionRow row_of(const rpc::ServerConnection& one) {
  return {.id = fmt::format("{}#{}", one.local.port(), one.id),
          .protocol = std::string(one.protocol),
          .direction = "in",
          .peer = one.peer.to_string(),
          .local = one.local.to_string(),
          .tls = one.secure,
          .opened_at_ms = unix_ms(io::Shard::current().clock(), one.opened),
          .requests = static_cast<int64_t>(one.requests),
          .bytes_in = static_cast<int64_t>(one.bytes_in),
          .bytes_out = static_cast<int64_t>(one.bytes_out),
          .shard = one.shard};
}

io::Task<Result<ConnectionRows>> list(const RunningApplication& application, size_t limit) {
  ConnectionRows rows;
  if (application.server() == nullptr) co_return rows;
  rpc::Inspector& server = application.server()->inspector();
  const size_t open = co_await io::or_return(co_await server.open_connections());
  for (const rpc::ServerConnection& one : co_await io::or_return(co_await server.connections(limit))) {
    if (rows.connections.size() < limit) rows.connections.push_back(row_of(one));
  }
  if (open > rows.connections.size()) rows.left_off = static_cast<int64_t>(open - rows.connections.size());
  co_return rows;
}

}  // namespace

void ConnectionsPart::add_to(admin::Routes& routes) {
  routes
      .get("ListConnections", "/v1/connections", "connections:read",
           [this](ConnectionsQuery asked) { return io::on(home_, [this, asked] { return list(application_, asked.limit); }); })
      .doc("The open connections of the services' ports.");
}

}  // namespace sofa::boot
