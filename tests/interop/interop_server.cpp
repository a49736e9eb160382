// interop-server: the interop contract in C++. `interop-server --bolt 0` prints `ready pid=N bolt=P` when it listens.
// `--port P`: every protocol on one port.

#include <cstdio>

#include "grpc/health/v1/health.sofa.h"
#include "services.h"
#include "sofa/base/flags.h"
#include "sofa/grpc_services/health.h"
#include "sofa/grpc_services/protobuf_json.h"
#include "sofa/grpc_services/reflection.h"
#include "sofa/io/runtime.h"
#include "sofa/rest/api.h"
#include "sofa/rpc/server.h"

namespace interop {

using sofa::Code;
using sofa::rpc::Task;

Result<Text> throw_it(const Text& kind) {
  if (kind == "runtime") return rpc::fail_java("java.lang.RuntimeException", "boom runtime");
  if (kind == "illegal") return rpc::fail_java("java.lang.IllegalArgumentException", "boom illegal");
  if (kind == "cause") {
    rpc::JavaException outer("java.lang.IllegalStateException", "boom outer");
    outer.cause = std::make_shared<const rpc::JavaException>("java.lang.RuntimeException", "boom inner");
    return rpc::fail_java(std::move(outer));
  }
  if (kind == "checked") {
    rpc::JavaException checked("sofa.interop.InteropException", "boom checked");
    checked.set("code", hessian::Value(int32_t{42}));
    return rpc::fail_java(std::move(checked));
  }
  return rpc::fail_java("java.lang.UnsupportedOperationException", "no such kind: {}", kind.value_or("null"));
}

namespace {

/// What Java does with a null where it needs an object.
auto null_argument(std::string_view sentence) { return rpc::fail_java("java.lang.NullPointerException", "{}", sentence); }

void strings_and_numbers(InteropService& service, const std::string& prefix) {
  service.echo = [prefix](Text s) -> Text {
    if (prefix.empty()) return s;
    return prefix + s.value_or("null");
  };
  service.hello = [](Text name) { return "hello " + name.value_or("null"); };
  service.hello_times = [](Text name, int32_t times) {
    std::string all;
    for (int32_t i = 0; i < times; ++i) all += (i > 0 ? ",hello " : "hello ") + name.value_or("null");
    return all;
  };
  service.add = [](int32_t a, int32_t b) { return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)); };
  service.add_long = [](std::optional<int64_t> a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a.value_or(0)) + static_cast<uint64_t>(b));
  };
  service.half = [](double d) { return d / 2; };
  service.ping = [] {};
  service.sum = [](std::optional<Array<int32_t>> v) -> Result<int32_t> {
    if (!v) return null_argument("sum needs numbers");
    uint32_t sum = 0;
    for (const int32_t i : v->items) sum += static_cast<uint32_t>(i);
    return static_cast<int32_t>(sum);
  };
  service.next_level = [](std::optional<Level> l) -> Result<Level> {
    if (!l) return null_argument("nextLevel needs a level");
    return static_cast<Level>((static_cast<int>(*l) + 1) % 3);
  };
  service.plus_days = [](std::optional<hessian::LocalDateTime> t, int32_t days) -> Result<hessian::LocalDateTime> {
    if (!t) return null_argument("plusDays needs a time");
    auto date = t->date.plus_days(days);
    if (!date) return rpc::fail_java("java.time.DateTimeException", "{}", date.error().message());
    t->date = *date;
    return *t;
  };
  service.big = [](int32_t chars) { return letters(static_cast<size_t>(std::max(0, chars))); };
}

void objects(InteropService& service) {
  service.get_user = [](int64_t id) -> Result<Graph<User>> {
    // The remainder of a negative number is negative, in Java too: levels[-1] is what Java meets.
    if (id % 3 < 0) return rpc::fail_java("java.lang.ArrayIndexOutOfBoundsException", "Index {} out of bounds for length 3", id % 3);
    Graph<User> graph;
    graph.set_root(make_user(graph.arena(), id, nullptr));
    return graph;
  };
  service.put_user = [](Graph<User> user) -> Result<Graph<User>> {
    if (!user) return null_argument("putUser needs a user");
    user->id = static_cast<int64_t>(static_cast<uint64_t>(user->id) + 1);
    return user;
  };
  service.list_users = [](int32_t n) { return make_users(n); };
  service.echo_map = [](Graph<hessian::Value> map) { return map; };
  service.echo_object = [](Graph<hessian::Value> object) { return object; };
  service.echo_node = [](Graph<Node> node) { return node; };
  service.echo_bytes = [](std::optional<Bytes> bytes) { return bytes; };
  service.echo_array = [](std::optional<Array<Text>> array) { return array; };
}

void calls(InteropService& service) {
  service.sleep = [](int64_t ms) -> Task<Result<std::string>> {
    co_await rpc::or_return(sofa::io::sleep_for(std::chrono::milliseconds(ms)));
    co_return fmt::format("slept {}", ms);
  };
  service.fail = [](Text kind) { return throw_it(kind); };
  auto notes = std::make_shared<std::map<Text, Text>>();
  service.note = [notes](Text k, Text v) { (*notes)[k] = v; };
  service.recall = [notes](Text k) -> Text {
    const auto found = notes->find(k);
    return found == notes->end() ? Text() : found->second;
  };
  service.baggage = [](rpc::Context& context, Text k) -> Text {
    const auto value = context.baggage(k.value_or(""));
    context.put_response_baggage("answer", fmt::format("got-{}", value.value_or("null")));
    if (!value) return {};
    return std::string(*value);
  };
}

void fill(InteropService& service, const std::string& prefix) {
  strings_and_numbers(service, prefix);
  objects(service);
  calls(service);
}

std::shared_ptr<InteropService> make_service(const std::string& prefix) {
  auto service = std::make_shared<InteropService>();
  fill(*service, prefix);
  return service;
}

std::shared_ptr<DubboInteropService> make_dubbo_service(const std::string& prefix) {
  auto service = std::make_shared<DubboInteropService>();
  fill(*service, prefix);
  service->attachment = [](rpc::Context& context, Text key) -> Text {
    context.put_response_header("answer", "got");
    const std::string_view value = context.header(key.value_or(""));
    return value.empty() ? Text() : Text(std::string(value));
  };
  return service;
}

std::shared_ptr<InteropPbService> make_pb_service() {
  using sofa::interop::pb::EchoRequest;
  using sofa::interop::pb::EchoResponse;
  auto service = std::make_shared<InteropPbService>();
  service->echo = [](EchoRequest request) -> Task<Result<EchoResponse>> {
    if (request.sleep_ms() > 0) co_await rpc::or_return(sofa::io::sleep_for(std::chrono::milliseconds(request.sleep_ms())));
    if (!request.fail().empty()) co_return rpc::fail_java("java.lang.RuntimeException", "boom {}", request.fail());
    EchoResponse response;
    response.set_text(request.text());
    response.set_blob(request.blob());
    *response.mutable_attrs() = request.attrs();
    co_return response;
  };
  return service;
}

struct Options {
  std::string host = "127.0.0.1";
  std::optional<uint16_t> port;
  std::optional<uint16_t> bolt;
  std::optional<uint16_t> triple;
  std::optional<uint16_t> rest;
  std::optional<uint16_t> dubbo;
  std::optional<uint16_t> dubbo_triple;
  size_t concurrents = 0;
  uint32_t flood_per_second = sofa::http::Http2Options().flood_per_second;
  std::string deny;
  std::string cors;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  uint32_t max_age_ms = 0;
  uint32_t ping_interval_ms = 0;
  size_t max_half_frame_bytes = rpc::ServerOptions().max_half_frame_bytes;

  static auto describe(sofa::Description<Options>& d) {
    d.doc("The server of the interop contract. A protocol listens when its port is given; with no port given, all listen on their usual ones.");
    d.field("host", &Options::host).doc("address to listen on");
    d.field("concurrents", &Options::concurrents).doc("calls of InteropPbService that run at the same time; 0: no limit of its own");
    d.field("flood_per_second", &Options::flood_per_second).doc("of HTTP/2 frames that nobody needs, once the burst is used up");
    d.field("deny", &Options::deny).doc("beginning of the class names that no request may hold; empty: none");
    d.field("cors", &Options::cors).doc("an origin whose pages may call; empty: none");
    d.field("port", &Options::port).doc("one port that speaks every protocol; 0 picks a free one");
    d.field("triple", &Options::triple).doc("port of Triple and gRPC, usually 50051");
    d.field("tls_certificate", &Options::tls_certificate).doc("PEM file: TLS beside plain connections");
    d.field("tls_key", &Options::tls_key).doc("PEM file of its private key");
    d.field("tls_client_ca", &Options::tls_client_ca).doc("PEM file of who signs clients' certificates");
    d.field("ping_interval_ms", &Options::ping_interval_ms).doc("how often a client of gRPC may PING; 0: gRPC's own 5 minutes");
    d.field("max_half_frame_bytes", &Options::max_half_frame_bytes).doc("of requests that are not whole, all connections together");
    d.field("max_age_ms", &Options::max_age_ms).doc("of a connection of HTTP/2, then GOAWAY; 0: none");
    d.field("dubbo", &Options::dubbo).doc("port of Dubbo 2, usually 20880");
    d.field("rest", &Options::rest).doc("port of REST, JSON and Connect over HTTP/1.1, usually 8341");
    d.field("dubbo_triple", &Options::dubbo_triple).doc("port of Dubbo 3's Triple, usually 50052");
    d.field("bolt", &Options::bolt).doc("port of Bolt, usually 12200; 0 picks a free one");
  }
};

constexpr uint16_t kBoltPort = 12200;
constexpr uint16_t kDubboPort = 20880;
constexpr uint16_t kTriplePort = 50051;
constexpr uint16_t kRestPort = 8341;
constexpr uint16_t kDubboTriplePort = 50052;

/// The ports that the options ask for.
rpc::ServerOptions ports_of(const Options& options) {
  std::vector<rpc::ProtocolPort> ports;
  const bool usual = !options.port && !options.bolt && !options.dubbo && !options.triple && !options.rest && !options.dubbo_triple;
  const auto add = [&](const std::optional<uint16_t>& asked, std::string protocol, uint16_t usual_port, std::string option) {
    if (usual || asked) ports.push_back({std::move(protocol), asked.value_or(usual_port), std::move(option)});
  };
  add(options.bolt, "bolt", kBoltPort, "--bolt");
  add(options.dubbo, "dubbo", kDubboPort, "--dubbo");
  add(options.triple, "h2", kTriplePort, "--triple");
  add(options.rest, "http1", kRestPort, "--rest");
  add(options.dubbo_triple, "h2", kDubboTriplePort, "--dubbo-triple");
  rpc::ServerOptions server;
  if (options.port) {
    server.port = *options.port;
  } else {
    server.port = ports.front().port;
    server.protocols = {ports.front().protocol};
    server.port_option = ports.front().option;
    ports.erase(ports.begin());
  }
  server.more_ports = std::move(ports);
  return server;
}

Task<int> serve(Options options) {
  rpc::ServerOptions server = ports_of(options);
  server.host = options.host;
  server.http2.flood_per_second = options.flood_per_second;
  server.max_half_frame_bytes = options.max_half_frame_bytes;
  server.application = "interop-server";
  if (!options.deny.empty()) server.classes.deny(options.deny);
  if (!options.cors.empty()) {
    server.cors = sofa::http::CorsOptions{.origins = {options.cors}, .headers = {"content-type", "connect-protocol-version", "connect-timeout-ms"}};
  }
  if (!options.tls_certificate.empty()) {
    server.tls = sofa::io::TlsServerConfig{.certificates = {{.certificate = options.tls_certificate, .key = options.tls_key}},
                                           .client_ca = options.tls_client_ca};
  }
  server.http2.max_age = std::chrono::milliseconds(options.max_age_ms);
  if (options.ping_interval_ms > 0) server.grpc_pings.min_interval = std::chrono::milliseconds(options.ping_interval_ms);
  server.drain = std::chrono::seconds(1);  // a call that sleeps does not hold the end back: SIGTERM ends the program within 2 s
  auto described = rpc::Server(server)
                       .add(make_service(""), {.concurrents = options.concurrents})
                       .add(make_service("blue:"), {.unique_id = "blue"})
                       .add(make_service("2.0:"), {.version = "2.0"})
                       .add(make_dubbo_service(""), {.concurrents = options.concurrents})
                       .add(make_dubbo_service("blue:"), {.unique_id = "blue"})
                       .add(make_pb_service(), {.concurrents = options.concurrents})
                       .add(make_grpc_service())
                       .add(make_json_service())
                       .add(make_extra_service())
                       .add(make_sofa_streams())
                       .add(make_dubbo_streams())
                       .json(sofa::grpc::protobuf_json())
                       .http(make_rest_api());
  co_return co_await rpc::serve_until_stopped(sofa::grpc::with_reflection(sofa::grpc::with_health(std::move(described), sofa::grpc::Health())));
}

}  // namespace
}  // namespace interop

int main(int argc, char** argv) {
  interop::Options options;
  const auto flags = sofa::parse_flags(argc, argv, options);
  if (const auto code = sofa::exit_code_of(flags)) return *code;
  return sofa::io::run(interop::serve(options), {.shards = 1});
}
