#include "sofa/grpc/server.h"

#include <ranges>
#include <set>

#include "sofa/base/base64.h"
#include "sofa/grpc/detail/server_call.h"
#include "sofa/http/server_options.h"
#include "sofa/io/runtime.h"

namespace sofa::grpc {

namespace {

/// "application/grpc", also with "+proto" or parameters; not "application/grpc-web".
bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kGrpc = "application/grpc";
  if (!content_type.starts_with(kGrpc)) return false;
  return content_type.size() == kGrpc.size() || content_type[kGrpc.size()] == '+' || content_type[kGrpc.size()] == ';';
}

/// "grpc-go/1.60", "grpc-java-netty/1.62", also behind the application's own name.
bool is_grpc_client(const http::Headers& headers) { return headers.get_or("user-agent").find("grpc-") != std::string_view::npos; }

Result<detail::Opening> read_opening(const http::Headers& headers) {
  detail::Opening opening;
  if (const auto timeout = headers.get("grpc-timeout")) {
    const auto length = parse_timeout(*timeout);
    if (!length) return fail(Code::internal, "grpc-timeout is '{}'; it is at most 8 digits and one of n, u, m, S, M, H", *timeout);
    opening.deadline = deadline_after(io::Shard::current().now(), *length);
  }
  if (const auto name = headers.get("grpc-encoding")) {
    const auto encoding = encoding_of(*name);
    if (!encoding) return fail(Code::unimplemented, "grpc-encoding is '{}', which is none of {}", *name, accepted_encodings());
    opening.encoding = *encoding;
  }
  opening.accepts_gzip = headers.has_token("grpc-accept-encoding", "gzip");
  return opening;
}

/// "acme.Hello" of "/acme.Hello/hello".
std::string_view service_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash == 0 ? std::string_view() : path.substr(1, slash - 1);
}

}  // namespace

std::optional<std::string> Call::binary(std::string_view name) const {
  const auto text = metadata().get(name);
  if (!text) return std::nullopt;
  const auto bytes = from_base64(*text, Base64Padding::none);
  if (!bytes) return std::nullopt;
  return std::string(bytes->begin(), bytes->end());
}

struct Server::Impl {
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Method {
    UnaryHandler* unary = nullptr;
    StreamHandler* stream = nullptr;
  };

  Impl(ServerOptions server_options, unsigned shard_count) : options(server_options), counters(shard_count), shards(shard_count) {}
  Result<void> add(std::string path, Method method);
  detail::ServerShard& here();
  Error unknown_path(std::string_view path) const;
  std::string service_list() const;
  void refuse_page(http::Exchange& exchange) const;
  void start(http::ExchangePtr exchange, const detail::Opening& opening, const Method& method);

  const ServerOptions options;
  std::vector<detail::Counters> counters;
  std::vector<std::unique_ptr<detail::ServerShard>> shards;  // each made and destroyed on its shard
  std::unordered_map<std::string, Method, Hash, std::equal_to<>> methods;
  std::set<std::string, std::less<>> services;  // of the methods
};

Result<void> Server::Impl::add(std::string path, Method method) {
  if (!methods.emplace(path, method).second) return fail(Code::already_exists, "{} was added twice", path);
  services.emplace(service_of(path));
  return {};
}

detail::ServerShard& Server::Impl::here() {
  const unsigned index = io::Shard::current().index();
  auto& shard = shards[index];
  if (!shard) shard = std::make_unique<detail::ServerShard>(options, counters[index]);
  return *shard;
}

Error Server::Impl::unknown_path(std::string_view path) const {
  if (services.contains(service_of(path))) return Error(Code::unimplemented, fmt::format("the service has no method {}", path));
  return Error(Code::unimplemented, fmt::format("no service is served at {}", path));
}

/// The names of the services, as many as fit a line.
std::string Server::Impl::service_list() const {
  constexpr size_t kMost = 20;
  return fmt::format("{}{}", fmt::join(services | std::views::take(kMost), ", "), services.size() > kMost ? ", ..." : "");
}

/// What is no call, and nobody else's: says how a call looks.
void Server::Impl::refuse_page(http::Exchange& exchange) const {
  const http::RequestHead& request = exchange.request();
  http::Headers fields;
  int status = 415;
  std::string sentence;
  if (!methods.contains(request.path())) {
    status = 404;
    sentence = fmt::format("nothing is served at {}; a method is called by POST /SERVICE/METHOD, and the services here are: {}", request.path(),
                           service_list());
  } else if (request.method != "POST") {
    status = 405;
    fields.add("allow", "POST");
    sentence = fmt::format("{} is a method, which is called by POST, not by {}", request.path(), request.method);
  } else {
    fields.add("accept-post", "application/grpc");
    sentence = fmt::format("{} takes application/grpc, not the content type '{}'", request.path(), request.headers.get_or("content-type"));
  }
  [[maybe_unused]] const auto sent = http::respond_text(exchange, status, sentence, std::move(fields));
}

void Server::Impl::start(http::ExchangePtr exchange, const detail::Opening& opening, const Method& method) {
  detail::ServerShard& shard = here();
  const auto room = method.unary != nullptr ? shard.room_for_call() : shard.room_for_stream();
  if (!room) return detail::refuse(*exchange, room.error());
  if (method.unary != nullptr) {
    // It owns itself until it is handed over.
    [[maybe_unused]] auto* call = new detail::UnaryExchange(std::move(exchange), opening, shard, *method.unary);
    return;
  }
  auto call = std::make_unique<detail::StreamExchange>(std::move(exchange), opening, shard);
  shard.streams.spawn("grpc stream", detail::StreamExchange::run(std::move(call), *method.stream));
}

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(options, io::Shard::current().runtime().shard_count())) {}
Server::~Server() = default;

Result<void> Server::add_unary(std::string path, UnaryHandler& handler) { return impl_->add(std::move(path), {.unary = &handler}); }
Result<void> Server::add_stream(std::string path, StreamHandler& handler) { return impl_->add(std::move(path), {.stream = &handler}); }

void Server::handle(http::ExchangePtr exchange) {
  const http::RequestHead& request = exchange->request();
  if (!is_grpc(request.headers.get_or("content-type"))) {
    if (fallback_ != nullptr) return fallback_->handle(std::move(exchange));
    if (http::is_about_server(request)) return http::answer_about_server(*exchange);
    return impl_->refuse_page(*exchange);
  }
  if (is_grpc_client(request.headers)) exchange->hold_to(impl_->options.pings);
  if (request.method != "POST") return impl_->refuse_page(*exchange);
  const auto method = impl_->methods.find(request.path());
  if (method == impl_->methods.end()) return detail::refuse(*exchange, impl_->unknown_path(request.path()));
  const auto opening = read_opening(request.headers);
  if (!opening) return detail::refuse(*exchange, opening.error(), {{"grpc-accept-encoding", accepted_encodings()}});
  if (opening->deadline <= io::Shard::current().now()) {
    return detail::refuse(*exchange, Error(Code::deadline_exceeded, fmt::format("the caller's time for {} was over before it ran", request.path())));
  }
  impl_->start(std::move(exchange), *opening, method->second);
}

PathKind Server::kind_of(std::string_view path) const {
  const auto method = impl_->methods.find(path);
  if (method == impl_->methods.end()) return PathKind::none;
  return method->second.unary != nullptr ? PathKind::unary : PathKind::stream;
}

const ServerOptions& Server::options() const { return impl_->options; }

CallStats Server::stats() const {
  CallStats stats;
  for (const detail::Counters& counters : impl_->counters) {
    stats.started += counters.started.value();
    stats.succeeded += counters.succeeded.value();
    stats.failed += counters.failed.value();
    stats.cancelled += counters.cancelled.value();
    stats.messages_in += counters.messages_in.value();
    stats.messages_out += counters.messages_out.value();
  }
  return stats;
}

io::Task<void> Server::stop_shard() {
  auto& shard = impl_->shards[io::Shard::current().index()];
  if (!shard) co_return;
  shard->streams.cancel("the server is stopping");
  [[maybe_unused]] const auto ended = co_await shard->streams.join();
  shard.reset();
}

}  // namespace sofa::grpc
