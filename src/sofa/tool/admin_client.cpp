#include "sofa/tool/admin_client.h"

#include <fmt/chrono.h>

#include <cstdlib>
#include <ctime>

#include "sofa/base/base64.h"
#include "sofa/base/json_object.h"
#include "sofa/base/text.h"
#include "sofa/grpc/status.h"
#include "sofa/http/channel.h"
#include "sofa/io/scope.h"
#include "sofa/tool/open_api.h"
#include "sofa/tool/outcome.h"
#include "sofa/tool/secret_input.h"

namespace sofa {

namespace {

Result<void> write_moment(const void* at, TextSink& sink) { return sink.text(static_cast<const tool::Moment*>(at)->to_string()); }

std::optional<std::string> read_moment(const TextNode& node, void* at, TextSource&) {
  const auto milliseconds = node.form == TextNode::Form::number ? whole_number<int64_t>(node.text) : std::nullopt;
  if (!milliseconds) return node.shown();
  static_cast<tool::Moment*>(at)->milliseconds = *milliseconds;
  return std::nullopt;
}

constinit const TextForm kMomentText{"milliseconds since 1970", write_moment, read_moment};

}  // namespace

void TypeTraits<tool::Moment>::fill(Type& type) { type.java_type = "long", type.text_form = &kMomentText; }

namespace tool {

namespace {

constexpr size_t kMostBody = size_t{16} << 20;
constexpr Duration kSignOutTimeout = std::chrono::seconds(2);

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Where, and as whom: of --server, or of the context in force.
Result<Context> context_of(const AdminFlags& flags) {
  if (flags.server.empty()) return choose_context(flags.context);
  if (!flags.context.empty()) return fail(Code::invalid_argument, "--server and --context both say where: give one of them");
  const bool has_scheme = flags.server.find("://") != std::string::npos;
  return Context{.server = has_scheme ? flags.server : "http://" + flags.server};
}

/// Who asks there, when the flags or the environment say it.
void name_user(const AdminFlags& flags, Context& context) {
  if (!flags.user.empty()) {
    if (flags.user != context.user) context.password.clear();
    context.user = flags.user;
    context.token.clear();
  } else if (std::string token = environment("SOFA_TOKEN"); !token.empty()) {
    context.token = std::move(token);
  }
  if (std::string password = environment("SOFA_PASSWORD"); !password.empty()) context.password = std::move(password);
}

/// Whether what is sent to the target can be read on the way.
bool crosses_in_clear(const Target& target) {
  if (target.secure) return false;
  const auto address = io::Address::parse(target.address);
  return !address || !(address->resolved() ? address->is_loopback() : address->host() == "localhost");
}

Error plain_secret(std::string_view what, const Target& target) {
  return Error(Code::invalid_argument, fmt::format("{} would cross the network to {} in clear: write https://{}, or allow it by --allow-plain", what,
                                                   target.address, target.address));
}

Result<std::string> authorization_of(Context& context) {
  if (!context.token.empty()) return "Bearer " + context.token;
  if (context.user.empty()) return std::string();
  if (context.password.empty()) {
    auto password = ask_secret(fmt::format("Password of {}", context.user));
    if (!password) return forward_error(password);
    context.password = std::move(*password);
  }
  return "Basic " + to_base64(as_bytes(fmt::format("{}:{}", context.user, context.password)));
}

TlsFlags tls_flags_of(const Context& context) {
  TlsFlags flags;
  flags.ca = context.ca;
  flags.cert = context.certificate;
  flags.key = context.key;
  flags.server_name = context.server_name;
  flags.insecure = context.insecure;
  return flags;
}

Result<Target> address_of(const Context& context, const TlsFlags& tls) {
  auto target = parse_target(context.server, tls);
  if (!target || target->protocol == "http") return target;
  return fail(Code::invalid_argument, "the admin API is spoken to over http and https, not {}: write HOST:PORT or https://HOST:PORT",
              target->protocol);
}

/// What POST /v1/session tells of the session that it has opened.
struct OpenedSession {
  std::string csrf_token{};
  static void describe(Description<OpenedSession>& d) { d.field("csrf_token", &OpenedSession::csrf_token); }
};

Result<std::string> csrf_token_of(std::string_view json) {
  auto session = from_answer<OpenedSession>(json);
  if (!session) return forward_error(session);
  return std::move(session->csrf_token);
}

/// Connected requests, one after another.
class Asking {
 public:
  explicit Asking(const AdminTarget& target) : target_(target) {}

  /// Runs `work()` between connecting and closing.
  template <class F>
  io::Task<Result<void>> connected(F work) {
    http::ChannelOptions options{.connect_timeout = target_.timeout, .max_body = kMostBody};
    if (target_.tls) options.tls = co_await io::or_return(io::TlsClientContext::open(*target_.tls));
    channel_.emplace(co_await io::or_return(io::Address::parse(target_.target.address)), options);
    auto done = co_await io::with_timeout(target_.timeout, connect());
    if (done) done = co_await work();
    co_await channel_->close();
    co_return done;
  }

  io::Task<Result<std::string>> ask(const AdminRequest& request) {
    const RouteRequest made = co_await io::or_return(OpenApi().request(request.verb, request.route, request.arguments));
    http::RequestHead head{.method = std::string(request.verb), .target = made.target};
    if (!cookie_.empty()) {
      head.headers.add("cookie", cookie_);
    } else if (!target_.authorization.empty()) {
      head.headers.add("authorization", target_.authorization);
    }
    if (!made.body.empty()) head.headers.add("content-type", "application/json");
    const http::Response got =
        co_await io::or_return(io::with_timeout(target_.timeout, channel_->exchange(std::move(head), Bytes::copy_of(made.body))));
    if (got.status >= 400) co_return std::unexpected(error_of_answer(got.status, got.body.text()));
    co_return std::string(got.body.text());
  }

  /// From now on by a session, when a password proves who asks: it is checked once. A server that lets everybody in has no sessions.
  io::Task<Result<void>> sign_in() {
    if (target_.password.empty()) co_return Result<void>();
    http::RequestHead head{.method = "POST", .target = "/v1/session"};
    head.headers.add("content-type", "application/json");
    const std::string login = JsonObject().add_quoted("user", target_.user).add_quoted("password", target_.password).text();
    const http::Response got = co_await io::or_return(io::with_timeout(target_.timeout, channel_->exchange(std::move(head), Bytes::copy_of(login))));
    if (got.status == 404 || got.status == 405) co_return Result<void>();
    if (got.status >= 400) co_return std::unexpected(error_of_answer(got.status, got.body.text()));
    const std::string_view cookie = got.headers.get_or("set-cookie");
    cookie_ = cookie.substr(0, cookie.find(';'));
    csrf_token_ = co_await io::or_return(csrf_token_of(got.body.text()));
    co_return Result<void>();
  }

  /// Ends the session of sign_in(), also when the command is cancelled. A server that does not answer ends it by itself, when it has rested.
  io::Task<void> sign_out() {
    if (cookie_.empty()) co_return;
    io::Scope closing(&io::Shard::current().root_scope(), "sign out");
    http::RequestHead head{.method = "DELETE", .target = "/v1/session"};
    head.headers.add("cookie", cookie_);
    head.headers.add("x-csrf-token", csrf_token_);
    (void)co_await io::with_timeout(std::min(target_.timeout, kSignOutTimeout), channel_->exchange(std::move(head), {})).in(closing);
  }

 private:
  io::Task<Result<void>> connect() {
    auto connected = co_await channel_->connect();
    if (connected) co_return connected;
    co_return std::unexpected(std::move(connected.error())
                                  .wrap(fmt::format("no server can be reached at {}; start one there, or name another one by --server or --context",
                                                    target_.target.to_string())));
  }

  const AdminTarget& target_;
  std::optional<http::Channel> channel_;  // while it is connected
  std::string cookie_, csrf_token_;       // of a session; empty: none
};

/// RFC 9457, as rest answers it.
struct Problem {
  std::string code;
  std::string detail;
  static void describe(Description<Problem>& d) {
    d.field("code", &Problem::code);
    d.field("detail", &Problem::detail);
  }
};

Code code_of(std::string_view name, int status) {
  for (int number = static_cast<int>(Code::cancelled); number <= static_cast<int>(Code::unauthenticated); ++number) {
    if (to_string(static_cast<Code>(number)) == name) return static_cast<Code>(number);
  }
  return grpc::code_of_http_status(status);
}

/// `secret`: what is sent or answered holds one. `work(asking)` with a connection to the target that the flags name; how the program ends, with an
/// error told.
template <class F>
Exit with_admin(const AdminFlags& flags, Terminal& terminal, F work, bool secret = false) {
  const auto target = admin_target(flags);
  if (!target) return wrong_usage(target.error(), flags.output, terminal);
  if (secret && target->plain) return wrong_usage(plain_secret("a password or a secret", target->target), flags.output, terminal);
  const auto run = [&]() -> io::Task<Exit> {
    Asking asking(*target);
    const auto done = co_await asking.connected([&] { return work(asking); });
    co_return done ? Exit::ok : show_failure(done.error(), flags.output, terminal);
  };
  return run_on_shard(run());
}

io::Task<Result<void>> poll(Asking& asking, const Polling& polling) {
  for (;;) {
    const std::string json = co_await io::or_return(asking.ask(polling.next()));
    const bool at_once = co_await io::or_return(polling.show(json));
    if (!at_once && (polling.once || !co_await io::sleep_for(polling.pause))) co_return Result<void>();
  }
}

constexpr size_t kMostItems = size_t{64} << 20;  // bytes of all pages of a list

/// The arguments of a page, without what is empty: not every list takes an owner.
std::string arguments_of_page(const std::string& after, std::string_view owner) {
  return JsonObject().add_text("after", after).add_text("owner", owner).text();
}

}  // namespace

void AdminFlags::describe(Description<AdminFlags>& d) {
  d.field("server", &AdminFlags::server).doc("HOST:PORT of the admin API, or https://HOST:PORT, in place of a context");
  d.field("user", &AdminFlags::user)
      .doc("sign in with this name; the password is SOFA_PASSWORD, the context's, or asked for. A token is taken from SOFA_TOKEN");
  d.field("ca", &AdminFlags::ca).doc("a file of authorities (PEM) that sign the server's certificate; else the context's, or the system's");
  d.field("allow_plain", &AdminFlags::allow_plain).doc("send passwords and tokens without encryption beyond this machine, too");
  d.field("timeout", &AdminFlags::timeout).alias("t").range(0.001L, 86'400).unit("seconds").doc("how long an answer may take");
  d.inherit<ContextFlags>();
  d.inherit<OutputFlags>();
}

Result<Target> admin_address(const AdminFlags& flags) {
  auto context = context_of(flags);
  if (!context) return forward_error(context);
  return address_of(*context, tls_flags_of(*context));
}

Result<AdminTarget> admin_target(const AdminFlags& flags) {
  auto context = context_of(flags);
  if (!context) return forward_error(context);
  name_user(flags, *context);
  if (!flags.ca.empty()) context->ca = flags.ca;
  const TlsFlags tls = tls_flags_of(*context);
  auto target = address_of(*context, tls);
  if (!target) return forward_error(target);
  const bool plain = !flags.allow_plain && !context->allow_plain && crosses_in_clear(*target);
  if (plain && !(context->token.empty() && context->user.empty())) {
    return std::unexpected(plain_secret(context->token.empty() ? "the password" : "the token", *target));
  }
  auto authorization = authorization_of(*context);
  if (!authorization) return forward_error(authorization);
  // A plain target stays plain, whatever files a context names.
  return AdminTarget{.target = *target,
                     .tls = target->secure ? tls.tls_for(*target) : std::nullopt,
                     .authorization = std::move(*authorization),
                     .user = context->token.empty() ? context->user : "",
                     .password = context->token.empty() ? context->password : "",
                     .timeout = seconds(flags.timeout),
                     .plain = plain};
}

Exit wrong_usage(const Error& error, OutputFormat format, Terminal& terminal) {
  const Exit exit = show_failure(error, format, terminal);
  return exit == Exit::refused ? Exit::wrong_usage : exit;
}

Exit ask_admin(const AdminFlags& flags, Terminal& terminal, const AdminRequest& request,
               const std::function<Result<void>(std::string_view json)>& show) {
  return with_admin(
      flags, terminal,
      [&](Asking& asking) -> io::Task<Result<void>> {
        const std::string json = co_await io::or_return(asking.ask(request));
        co_return show(json);
      },
      request.secret);
}

Exit poll_admin(const AdminFlags& flags, Terminal& terminal, const Polling& polling) {
  return with_admin(flags, terminal, [&](Asking& asking) -> io::Task<Result<void>> {
    if (!polling.once) co_await io::or_return(asking.sign_in());
    auto done = co_await poll(asking, polling);
    co_await asking.sign_out();
    co_return done;
  });
}

std::optional<std::string> fetch_list(const AdminFlags& flags, Terminal& terminal, const ListRequest& request, Exit& exit) {
  std::string items;
  exit = with_admin(flags, terminal, [&](Asking& asking) -> io::Task<Result<void>> {
    std::string after;
    do {
      const std::string arguments = arguments_of_page(after, request.owner);
      const std::string json = co_await io::or_return(asking.ask({.verb = "GET", .route = request.route, .arguments = arguments}));
      const JsonTree tree = co_await io::or_return(JsonTree::parse(json, "the answer"));
      const TextNode* const list = find(tree.root, request.member);
      if (list == nullptr) co_return fail(Code::data_loss, "the answer of {} has no '{}': is it an admin API?", request.route, request.member);
      for (const TextNode& item : list->items) items += (items.empty() ? "" : ",") + to_json_text(item);
      const TextNode* const next = find(tree.root, "next");
      std::string then = next == nullptr ? "" : next->text;
      if (!then.empty() && then == after) co_return fail(Code::data_loss, "the answer of {} comes back to the same page", request.route);
      if (items.size() > kMostItems) co_return fail(Code::resource_exhausted, "the list of {} has more than {} bytes", request.route, kMostItems);
      after = std::move(then);
    } while (!after.empty());
    co_return Result<void>();
  });
  return exit == Exit::ok ? std::optional("[" + items + "]") : std::nullopt;
}

Error error_of_answer(int status, std::string_view body) {
  const auto problem = from_json<Problem>(body, {.source = "the answer", .ignore_unknown = true, .null_is_default = true});
  const Code code = code_of(problem ? problem->code : "", status);
  std::string sentence = problem && !problem->detail.empty() ? printable(problem->detail) : fmt::format("the server answered with status {}", status);
  if (code == Code::unauthenticated) sentence += ". Sign in by --user or SOFA_TOKEN, or name a --context that does";
  return Error(code, std::move(sentence));
}

std::string Moment::to_string() const {
  if (milliseconds == 0) return "";
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)));
}

}  // namespace tool

}  // namespace sofa
