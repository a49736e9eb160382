#include "sofa/platform/platform.h"

#include <algorithm>
#include <filesystem>

#include "sofa/base/text.h"
#include "sofa/base/unix_time.h"
#include "sofa/console/console.h"
#include "sofa/identity/part.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"

namespace sofa::platform {

namespace {

constexpr uint16_t kPort = 9900;
constexpr std::string_view kAttach = "processes:attach";
constexpr size_t kMostFigures = size_t{64} << 10;  // bytes of what a process says of itself

/// A check as the overview shows it; `now` is of both clocks.
CheckRow check_row(const boot::NamedHealth& check, Instant now, WallTime wall) {
  return {.name = check.name,
          .status = lower_case(std::string(to_string(check.health.status))),
          .detail = boot::details_of(check.health),
          .checked_at_ms = unix_ms(wall - (now - check.ended)),
          .duration_us = std::chrono::duration_cast<std::chrono::microseconds>(check.ended - check.begun).count()};
}

/// Hashes of passwords and tokens lie in it.
Result<void> make_private_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) return fail(Code::failed_precondition, "cannot make the folder {}: {}; name another by --data", folder, error.message());
  return {};
}

/// "https://10.0.0.7:", how the admin port is reached; one that listens everywhere is reached here.
std::string base_of(const boot::AdminSection& admin) {
  const bool everywhere = admin.host == "0.0.0.0" || admin.host == "::";
  const io::Address address = io::Address::of(everywhere ? "127.0.0.1" : admin.host, 0);
  const std::string host = address.to_string();
  return fmt::format("{}://{}", admin.tls.enabled() ? "https" : "http", host.substr(0, host.rfind(':') + 1));
}

/// In place of the console, where there is none.
class NoConsole final : public http::Handler {
 public:
  void handle(http::ExchangePtr exchange) override {
    const std::string_view path = exchange->request().path();
    [[maybe_unused]] const auto sent = http::respond_text(
        *exchange, 404,
        fmt::format("there is nothing at '{}': this platform has no console; name it in platform.roles, or by sofa dev --only", path));
  }
};

std::shared_ptr<http::Handler> pages(const PlatformSection& section) {
  if (section.serves(Role::console)) return std::make_shared<console::Console>();
  return std::make_shared<NoConsole>();
}

}  // namespace

void describe(EnumDescription<Role>& d) {
  d.value("admin", Role::admin, "the admin API, identities, processes and metrics; always there");
  d.value("console", Role::console, "the pages at /console/");
}

bool PlatformSection::serves(Role role) const { return role == Role::admin || roles.empty() || std::ranges::find(roles, role) != roles.end(); }

void PlatformSection::describe(Description<PlatformSection>& d) {
  d.doc("What the platform keeps, and who may use it.");
  d.field("data", &PlatformSection::data).doc("the folder of everything that is kept; made if missing");
  d.field("auth", &PlatformSection::auth).doc("who asks must prove who they are; else everybody who reaches the port may do everything");
  d.field("roles", &PlatformSection::roles).doc("what is served: admin, which is always there, and console; empty: all");
}

void RoleRow::describe(Description<RoleRow>& d) {
  d.field("role", &RoleRow::role);
  d.field("port", &RoleRow::port);
  d.field("address", &RoleRow::address);
  d.field("next", &RoleRow::next).doc("what to do with it");
}

boot::AdminSection admin_defaults() {
  boot::AdminSection admin;
  admin.port = kPort;
  admin.further_ports = 0;
  admin.platform = "self";
  admin.platform_token = admin::random_secret(16);
  return admin;
}

void add_section(boot::Configuration& configuration, const PlatformSection& defaults) {
  configuration.check<uint32_t>("server.shards", [](const uint32_t& shards) -> Result<void> {
    if (shards == 1) return {};
    return fail(Code::invalid_argument, "the platform belongs to one shard, and {} are asked for: leave it out, or say 1", shards);
  });
  configuration.add<PlatformSection>("platform", "what the platform keeps, and who may use it", defaults);
}

void prepare(boot::Application& app, const PlatformSection& defaults) {
  app.admin_defaults() = admin_defaults();
  add_section(app.configuration(), defaults);
}

io::Task<Result<std::unique_ptr<Platform>>> Platform::open(PlatformSection section, boot::Application& app) {
  std::unique_ptr<Platform> platform(new Platform(std::move(section)));
  const auto& admin = app.configuration().get<boot::AdminSection>("admin");
  platform->own_token_ = admin.platform_token;
  platform->base_ = base_of(admin);
  auto opened = co_await platform->open_identities(admin.tls.enabled());
  if (!opened) {
    (void)co_await platform->close();
    co_return forward_error(opened);
  }
  platform->add_to(app);
  co_return platform;
}

io::Task<Result<void>> Platform::open_identities(bool secure) {
  const std::string folder = section_.data + "/identity";
  const auto blocking = [](auto work) { return io::run_blocking(io::Shard::current().runtime().file_pool(), std::move(work)); };
  co_await io::or_return(co_await blocking([folder] { return make_private_folder(folder); }));
  store_ = co_await io::or_return(co_await identity::LogStore::open({.folder = folder}));  // its lock keeps others from the key, too
  auto key = co_await io::or_return(co_await blocking([folder] { return identity::NodeKey::open(folder + "/node-key"); }));
  identities_ = co_await io::or_return(co_await identity::Identities::open(*store_, std::move(key), SystemClock::instance()));
  if (!section_.auth) co_return Result<void>();
  first_user_ = co_await io::or_return(co_await identities_->make_first_user());
  gate_ = std::make_shared<identity::IdentityGate>(*identities_, identity::SessionOptions{.secure_cookie = secure});
  co_return Result<void>();
}

io::Task<Result<void>> Platform::close() {
  if (store_ == nullptr) co_return Result<void>();
  co_return co_await store_->close();
}

void Platform::add_to(boot::Application& app) {
  overview_ = std::make_shared<Overview>(OverviewSources{.processes = [this] { return processes_->list(); },
                                                         .figures = [this](std::string id) { return figures_of(std::move(id)); },
                                                         .platform = [this] { return view(); }},
                                         happenings_);
  processes_ =
      std::make_unique<Processes>(ProcessesOptions{.check = [this](const std::string& token, const io::Address&) { return may_attach(token); },
                                                   .on_attached = [this](const ProcessInfo& process) { overview_->on_attached(process); },
                                                   .on_gone = [this](const ProcessInfo& process) { overview_->on_gone(process); }},
                                  SystemClock::instance());
  about_ = {.name = "sofa", .version = SOFA_VERSION, .mode = section_.auth ? "server" : "dev"};
  if (gate_ != nullptr) app.admin_gate(gate_);
  app.on_admin([this](admin::AdminServer& server) {
    processes_->add_to(server);
    server.add(overview_);
    server.add_protocol(std::make_shared<admin::AttachProtocol>(*processes_));
    server.add(std::make_shared<identity::IdentityPart>(*identities_));
    if (gate_ != nullptr) identity::add_session_routes(server, *identities_, gate_);
    server.set_fallback(pages(section_));
  });
}

Result<void> Platform::may_attach(const std::string& token) const {
  if (gate_ == nullptr || (!own_token_.empty() && admin::equal_in_constant_time(token, own_token_))) return {};
  const auto principal = gate_->identify_at_once({.authorization = "Bearer " + token});
  if (!principal)
    return fail(Code::unauthenticated, "the token of the process is not known: set admin.platform_token to one that `sofa token` has made");
  return gate_->may(*principal, kAttach);
}

io::Task<Result<std::string>> Platform::figures_of(std::string id) const {
  const http::Fetched answer = co_await io::or_return(co_await processes_->ask(std::move(id), "/v1/figures", kMostFigures));
  if (answer.head.status != 200) co_return fail(Code::unavailable, "GET /v1/figures is answered with {}", answer.head.status);
  co_return std::string(answer.body.text());
}

std::vector<RoleRow> Platform::begin(boot::RunningApplication& running) {
  const std::string url = fmt::format("{}{}", base_, running.admin_port());
  about_.address = url.substr(url.find("//") + 2);
  about_.started_at_ms = unix_ms(running.startup().wall);
  readiness_ = &running.readiness();
  overview_->start();
  stopping_ = running.events().subscribe<boot::BeforeStop>([this](const boot::BeforeStop&) -> io::Task<Result<void>> {
    co_await overview_->stop();
    co_return Result<void>();
  });
  const std::string attach = fmt::format("{}; an application attaches with admin: {{platform: \"{}\"}}", status_command(),
                                         base_.starts_with("https") ? url : about_.address);
  std::vector<RoleRow> roles{{.role = "admin API", .address = url + "/docs", .next = attach, .port = running.admin_port()},
                             {.role = "metrics", .address = url + "/metrics", .next = "let Prometheus scrape it", .port = running.admin_port()}};
  if (section_.serves(Role::console)) {
    roles.insert(roles.begin(), {.role = "console", .address = url + "/", .next = "open it in a browser", .port = running.admin_port()});
  }
  return roles;
}

/// As somebody on this machine types it: commands ask the usual port unless they are told another.
std::string Platform::status_command() const {
  const std::string usual = fmt::format(":{}", kPort);
  if (about_.address.ends_with(usual) && !base_.starts_with("https")) return "sofa status";
  return fmt::format("sofa status --server {}{}", base_.starts_with("https") ? "https://" : "", about_.address);
}

PlatformView Platform::view() const {
  PlatformView view{.platform = about_};
  const std::string state = readiness_ == nullptr ? "starting" : "ready";
  const std::vector<RolePort> http{{.name = "http", .address = about_.address}};
  view.roles = {
      {.name = "admin API",
       .state = state,
       .doc = "What is looked into and operated: HTTP with JSON, and gRPC",
       .next = status_command(),
       .ports = http},
      {.name = "processes", .state = state, .doc = "Applications attach to the same port: admin: {platform: " + about_.address + "}", .ports = http},
      {.name = "metrics", .state = state, .doc = "Prometheus' text and OpenMetrics at /metrics", .ports = http},
      {.name = "identity", .state = state, .doc = "Users, keys, tokens and the audit, kept in " + section_.data + "/identity"}};
  if (readiness_ == nullptr) return view;
  const auto checked = readiness_->state();
  view.health = checked->refusing ? "out_of_service" : lower_case(std::string(to_string(checked->status)));
  const Instant now = SystemClock::instance().now_monotonic();
  const WallTime wall = SystemClock::instance().now_wall();
  for (const auto* kind : {&checked->checkers, &checked->indicators}) {
    for (const boot::NamedHealth& check : *kind) view.checks.push_back(check_row(check, now, wall));
  }
  return view;
}

}  // namespace sofa::platform
