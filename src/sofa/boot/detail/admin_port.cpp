#include "sofa/boot/detail/admin_port.h"

#include "sofa/admin/logs_part.h"
#include "sofa/admin/metrics_part.h"
#include "sofa/admin/profiles.h"
#include "sofa/admin/tasks_part.h"
#include "sofa/base/log.h"
#include "sofa/boot/application_part.h"
#include "sofa/boot/connections_part.h"
#include "sofa/boot/detail/call_metrics.h"
#include "sofa/boot/figures_part.h"
#include "sofa/boot/services_part.h"
#include "sofa/http/router.h"
#include "sofa/io/address.h"

namespace sofa::boot::detail {

namespace {

const Logger logger{"admin"};

constexpr std::string_view kPrefix = "/actuator";
constexpr size_t kMaxBody = size_t{64} << 10;
constexpr std::string_view kMediaType = "application/vnd.spring-boot.actuator.v3+json";

admin::AdminOptions options_of(RunningApplication& application, const AdminSection& section, std::shared_ptr<admin::Gate> gate) {
  admin::AdminOptions options{.host = section.host, .port = section.port, .further_ports = section.further_ports};
  if (section.tls.enabled()) {
    options.tls = io::TlsServerConfig{.certificates = {{.certificate = section.tls.cert, .key = section.tls.key}},
                                      .client_ca = section.tls.client_ca,
                                      .require_client_certificate = false,  // a password or a token proves who asks as well
                                      .alpn = {"h2", "http/1.1"}};
  }
  options.port_option = section.port_option;
  options.title = application.name();
  options.hosts = section.hosts;
  options.gate = std::move(gate);
  options.probes.ready = [&readiness = application.readiness()] { return why_refused(*readiness.state()); };
  return options;
}

/// Where to attach, and whom to believe there.
struct PlatformTarget {
  io::Address address{};
  std::optional<io::TlsClientConfig> tls{};
};

Result<PlatformTarget> target_of(const AdminSection& section, const io::Address& own) {
  if (section.platform == "self") {
    PlatformTarget self{.address = own};
    if (section.tls.enabled()) self.tls = io::TlsClientConfig{.verify = false};  // the port is this process's own
    return self;
  }
  constexpr std::string_view kSecure = "https://", kPlain = "http://";
  std::string_view text = section.platform;
  const bool secure = text.starts_with(kSecure);
  if (secure || text.starts_with(kPlain)) text.remove_prefix(secure ? kSecure.size() : kPlain.size());
  auto address = io::Address::parse(text);
  if (!address) return fail(Code::invalid_argument, "platform is \"{}\": {}", section.platform, address.error().message());
  if (!secure && !section.platform_ca.empty()) {
    return fail(Code::invalid_argument, "platform is \"{}\", which is not encrypted, and platform_ca is given: write https://{}", section.platform,
                text);
  }
  PlatformTarget target{.address = *address};
  if (secure) target.tls = io::TlsClientConfig{.ca = section.platform_ca};
  return target;
}

}  // namespace

Result<void> check_admin_tls(const AdminTls& tls) {
  if (tls.cert.empty() == tls.key.empty() && (tls.enabled() || tls.client_ca.empty())) return {};
  return fail(Code::invalid_argument, "both cert and key are needed: {} is missing", tls.cert.empty() ? "cert" : "key");
}

Result<void> check_admin_platform(const AdminSection& section) {
  if (section.platform.empty()) return {};
  auto target = target_of(section, {});
  if (!target) return forward_error(target);
  return {};
}

AdminPort::AdminPort(RunningApplication& application, const AdminSection& section, std::shared_ptr<admin::Gate> gate,
                     std::shared_ptr<MetricRegistry> metrics)
    : section_(section),
      has_gate_(gate != nullptr),
      home_(io::Shard::current()),
      actuator_(application),
      name_(application.name()),
      log_(LogTail::install()),
      server_(options_of(application, section, std::move(gate))),
      sampler_(application, section, [this] { return server_.read_metrics(); }) {
  server_.add_metrics(std::move(metrics));
  server_.add_metrics(std::make_shared<CallMetrics>(application));
  server_.add(std::make_shared<admin::LogsPart>(log_));
  server_.add(std::make_shared<ApplicationPart>(application));
  server_.add(std::make_shared<FiguresPart>(application, sampler_));
  server_.add(std::make_shared<ServicesPart>(application, sampler_));
  server_.add(std::make_shared<ConnectionsPart>(application));
  server_.add(std::make_shared<admin::MetricsPart>(sampler_.metrics()));
  server_.add(std::make_shared<admin::ProfilesPart>());
  server_.add(std::make_shared<admin::TasksPart>());
  admin::add_profile_pages(server_);
  add_actuator();
}

// Nobody reads the last lines any more; another application of the process may have put its own tail there.
AdminPort::~AdminPort() {
  if (auto tap = set_log_tap(nullptr); tap != log_) set_log_tap(std::move(tap));
}

void AdminPort::add_actuator() {
  for (const ActuatorRoute& route : Actuator::routes()) {
    server_.add_raw(route.method, fmt::format("{}{}", kPrefix, route.pattern), route.permission,
                    [this](http::Exchange& exchange, http::Body& body, const admin::Caller&) { return serve(exchange, body); });
  }
}

io::Task<Result<void>> AdminPort::start() {
  const auto address = io::Address::of(section_.host, 0);
  if (!has_gate_ && !section_.open && !(address.resolved() ? address.is_loopback() : section_.host == "localhost")) {
    co_return fail(Code::failed_precondition,
                   "admin.host is \"{}\", and nobody asks who comes to the admin port: set admin.open to let everybody in who reaches it, give the "
                   "application a gate (Application::admin_gate), or set admin.enabled to false",
                   section_.host);
  }
  co_await io::or_return(co_await server_.start());
  sampler_.start();
  if (section_.platform.empty()) co_return Result<void>();
  auto attached = co_await attach();
  if (!attached) (void)co_await stop();
  co_return attached;
}

/// It goes on in the background: a platform that is not there is no reason not to start.
io::Task<Result<void>> AdminPort::attach() {
  const io::Address own = io::Address::of(section_.host, server_.port());
  const PlatformTarget target = co_await io::or_return(target_of(section_, own));
  admin::AttachmentOptions options{.platform = target.address, .hello = admin::this_process()};
  if (target.tls) options.tls = co_await io::or_return(io::TlsClientContext::open(*target.tls));
  const bool here = target.address.resolved() ? target.address.is_loopback() : target.address.host() == "localhost";
  if (!target.tls && !here && !section_.platform_token.empty()) {
    logger.warn("the token for the platform crosses the network in clear: write https:// in front of admin.platform",
                {{"platform", section_.platform}});
  }
  options.hello.name = name_;
  options.hello.admin = fmt::format("{}{}", section_.tls.enabled() ? "https://" : "", own.to_string());
  options.hello.token = section_.platform_token;
  attachment_ = std::make_unique<admin::Attachment>(std::move(options), server_.attached_handler());
  attachment_->start();
  co_return Result<void>();
}

io::Task<Result<void>> AdminPort::stop() {
  admin::end_cpu_profile();
  if (attachment_ != nullptr) co_await attachment_->stop();
  co_await sampler_.stop();
  co_return co_await server_.stop();
}

io::Task<Result<void>> AdminPort::serve(http::Exchange& exchange, http::Body& body) {
  const http::RequestHead& head = exchange.request();
  const Bytes content = co_await io::or_return(co_await body.read_all(kMaxBody));
  const std::string path = http::percent_decode(head.path().substr(kPrefix.size())).value_or("");
  const std::string base = fmt::format("{}://{}", head.scheme, head.authority);
  const ActuatorRequest request{.method = head.method,
                                .path = path,
                                .query = head.query(),
                                .base = base,
                                .body = {reinterpret_cast<const char*>(content.data()), content.size()}};
  const ActuatorAnswer answer = co_await io::on(home_, [&] { return actuator_.answer(request); });
  if (answer.body.empty()) co_return exchange.send_response(answer.status, {}, true);
  co_return http::respond(exchange, answer.status, kMediaType, Bytes::copy_of(answer.body));
}

}  // namespace sofa::boot::detail
