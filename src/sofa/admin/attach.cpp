#include "sofa/admin/attach.h"

#include <unistd.h>

#include "sofa/admin/detail/passed_on.h"
#include "sofa/admin/permission.h"
#include "sofa/admin/prometheus.h"
#include "sofa/base/backoff.h"
#include "sofa/base/json.h"
#include "sofa/base/log.h"
#include "sofa/http/server.h"
#include "sofa/io/scope.h"

namespace sofa::admin {

namespace {

using namespace std::chrono_literals;

constexpr size_t kMostPermissions = size_t{32} << 10;  // bytes in a head

const Logger log_{"admin"};

constexpr std::string_view kGreeting = "SOFA-ATTACH/1 ";
constexpr size_t kMostLine = 4096;
constexpr Duration kHelloTimeout = 5s;

/// Reads up to the end of a line, which is taken out of `in`; what comes behind it stays.
io::Task<Result<std::string>> read_line(io::Stream& stream, Buffer& in) {
  for (;;) {
    const std::string_view seen = as_text(in.span());
    if (const size_t end = seen.find('\n'); end != std::string_view::npos && end <= kMostLine) {
      std::string line(seen.substr(0, end));
      in.consume(end + 1);
      co_return line;
    }
    if (seen.size() > kMostLine) co_return fail(Code::invalid_argument, "the first line has more than {} bytes", kMostLine);
    const size_t got = co_await io::or_return(co_await stream.read_some(in));
    if (got == 0) co_return fail(Code::unavailable, "{} closed the connection in its first line", stream.peer().to_string());
  }
}

io::Task<Result<ProcessHello>> read_hello(io::Stream& stream, Buffer& in) {
  const std::string line = co_await io::or_return(co_await read_line(stream, in));
  if (!line.starts_with(kGreeting)) co_return fail(Code::invalid_argument, "the first line does not begin with '{}'", kGreeting);
  co_return from_json<ProcessHello>(std::string_view(line).substr(kGreeting.size()));
}

http::Http2Options watchful() {
  http::Http2Options options;
  options.keep_alive_interval = 1s;
  options.keep_alive_timeout = 2s;
  return options;
}

}  // namespace

Result<void> speak_for(const Principal& user, const Gate& gate, http::Headers& head) {
  std::vector<std::string> permissions = gate.permissions_of(user);
  // What cannot be read permits nothing, and must not spoil the list.
  std::erase_if(permissions, [](const std::string& one) { return one != kEverything && !Permission::parse(one); });
  const std::string list = fmt::format("{}", fmt::join(permissions, ","));
  if (list.size() > kMostPermissions) {
    return fail(Code::resource_exhausted, "the permissions of '{}' are {} bytes long, and {} can be passed on to a process: give them fewer roles",
                user.name, list.size(), kMostPermissions);
  }
  head.set(detail::kUserHeader, user.name);
  head.set(detail::kPermissionsHeader, list);
  if (!user.token.empty()) head.set(detail::kTokenHeader, user.token);
  if (user.read_only) head.set(detail::kReadOnlyHeader, "1");
  return {};
}

void ProcessHello::describe(Description<ProcessHello>& d) {
  d.field("name", &ProcessHello::name).required();
  d.field("version", &ProcessHello::version);
  d.field("host", &ProcessHello::host);
  d.field("pid", &ProcessHello::pid);
  d.field("started_at", &ProcessHello::started_at);
  d.field("admin", &ProcessHello::admin);
  d.field("token", &ProcessHello::token).secret();
}

ProcessHello this_process() {
  char host[256] = {};
  if (::gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
  ProcessHello hello{.host = host, .pid = static_cast<uint32_t>(::getpid())};
  for (const MetricValue& value : process_metrics()) {
    if (value.id.name == "process_start_time") hello.started_at = value.number;
  }
  return hello;
}

transport::Detected AttachProtocol::detect(ByteSpan first_bytes) const {
  const std::string_view seen = as_text(first_bytes).substr(0, kGreeting.size());
  if (!kGreeting.starts_with(seen)) return transport::Detected::no;
  return seen.size() < kGreeting.size() ? transport::Detected::maybe : transport::Detected::yes;
}

io::Task<void> AttachProtocol::serve(io::Stream stream, Buffer prefix, transport::Connection& connection) {
  const std::string peer = stream.peer().to_string();
  auto hello = co_await io::with_timeout(kHelloTimeout, read_hello(stream, prefix));
  auto id = hello ? host_.admit(*hello, stream.peer()) : Result<std::string>(forward_error(hello));
  if (!id) {
    log_.warn("a process may not attach", {{"peer", peer}, {"reason", id.error()}});
    if (stream.write(Bytes::copy_of(fmt::format("NO {}\n", id.error().message())))) (void)co_await stream.close_after_flush();
    connection.close_kind = transport::CloseKind::local;
    co_return;
  }
  Result<std::unique_ptr<http::ClientConnection>> client = fail(Code::unavailable, "it is gone already");
  if (stream.write(Bytes::copy_of(fmt::format("OK {}\n", *id)))) client = http::connect_http2(std::move(stream), watchful());
  if (!client) co_return co_await host_.detached(*id);
  log_.info("a process has attached", {{"id", *id}, {"name", hello->name}, {"pid", hello->pid}, {"peer", peer}});
  host_.attached(*id, **client);
  io::CancelSource draining(co_await io::current_scope());
  connection.on_drain([](void* source) { static_cast<io::CancelSource*>(source)->cancel("the port stops"); }, &draining);
  (void)co_await draining.run((*client)->ended());
  connection.on_drain(nullptr, nullptr);
  co_await host_.detached(*id);
  co_await (*client)->close();
  log_.info("a process is gone", {{"id", *id}, {"name", hello->name}, {"pid", hello->pid}});
}

Attachment::Attachment(AttachmentOptions options, http::Handler& handler) : options_(std::move(options)), handler_(handler) {}
Attachment::~Attachment() = default;

void Attachment::start() {
  tasks_ = std::make_unique<io::TaskGroup>();
  tasks_->spawn("attach", run());
  if (options_.tls != nullptr) tasks_->spawn("tls reload", options_.tls->watch());
}

io::Task<void> Attachment::stop() {
  if (tasks_ == nullptr) co_return;
  tasks_->cancel("the program is stopping");
  (void)co_await tasks_->join();
  tasks_ = nullptr;
}

io::Task<void> Attachment::run() {
  const Backoff backoff{.first = 100ms, .most = options_.max_backoff};
  Random random(system_seed());
  const io::Scope& scope = co_await io::current_scope();
  std::string told;  // the last reason that the log knows
  for (int failures = 0; !scope.cancelled();) {
    const auto ended = co_await attach_once();
    if (std::exchange(attached_, false)) failures = 0;
    if (scope.cancelled()) co_return;
    if (const std::string why = ended ? "it was closed" : ended.error().to_string(); why != told) {
      log_.warn("not attached to the platform", {{"platform", options_.platform.to_string()}, {"reason", why}});
      told = why;
    }
    if (!co_await io::sleep_for(backoff.pause(++failures, random))) co_return;
  }
}

/// Ends when the connection has.
io::Task<Result<void>> Attachment::attach_once() {
  auto connected = options_.tls != nullptr ? io::tls_connect(options_.platform, *options_.tls) : io::Stream::connect(options_.platform);
  io::Stream stream = co_await io::or_return(std::move(connected));
  auto hello = co_await io::or_return(to_json(options_.hello));
  co_await io::or_return(stream.write(Bytes::copy_of(fmt::format("{}{}\n", kGreeting, hello))));
  Buffer in;
  const std::string answer = co_await io::or_return(co_await io::with_timeout(kHelloTimeout, read_line(stream, in)));
  if (!answer.starts_with("OK ")) co_return fail(Code::permission_denied, "the platform refuses: {}", answer);
  attached_ = true;
  log_.info("attached to the platform", {{"platform", options_.platform.to_string()}, {"id", answer.substr(3)}});
  const bool draining = false;
  transport::Connection connection(draining);
  http::Http2Protocol http2(handler_);
  co_await http2.serve(std::move(stream), std::move(in), connection);
  co_return Result<void>();
}

}  // namespace sofa::admin
