#include "sofa/rpc/detail/caller.h"

#include "sofa/base/log.h"
#include "sofa/io/dns.h"
#include "sofa/rpc/detail/argument_text.h"
#include "sofa/rpc/exception.h"

namespace sofa::rpc::detail {

namespace {

int64_t milliseconds(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

ClientOptions completed(ClientOptions options) {
  options.classes.always(std::string(kResponseClass));  // the envelope of an answer is not the filter's affair
  options.filters = in_order(std::move(options.filters));
  return options;
}

std::shared_ptr<const ClientIdentity> make_identity(ServiceNames names, ClientOptions options) {
  std::string service = unique_name(names.interface, {options.version, options.unique_id});
  return std::make_shared<const ClientIdentity>(std::move(names), std::move(service), completed(std::move(options)));
}

/// Whether a call is one attempt after another: what needs no task group.
bool is_one_at_a_time(const ClientOptions& options) {
  const bool plain = options.strategy == Strategy::failover || options.strategy == Strategy::failfast;
  return plain && options.hedging.after <= Duration::zero();
}

/// What a provider wants a described call to be written in.
uint8_t codec_for(const CallSpec& spec, const Provider& provider) {
  if (provider.serialization.empty() || spec.shape == nullptr || spec.codec == bolt::kCodecProtobuf) return spec.codec;
  return provider.serialization == "json" ? bolt::kCodecJson : bolt::kCodecHessian;
}

void log_measure(const std::string& service, const cluster::Measure& found) {
  static const Logger log{"rpc"};
  if (found.state == cluster::Measure::State::abnormal) {
    log.warn("a provider fails far more often than the others", {{"service", service},
                                                                 {"provider", found.address.to_string()},
                                                                 {"calls", found.calls},
                                                                 {"rate", found.rate},
                                                                 {"average", found.average},
                                                                 {"weight", found.weight},
                                                                 {"limit_reached", found.at_limit}});
  } else if (found.weight != found.weight_before) {
    log.info("a provider gets its weight back", {{"service", service}, {"provider", found.address.to_string()}, {"weight", found.weight}});
  }
}

void log_ejection(const std::string& service, const cluster::OutlierEjection::Ejection& ejection) {
  static const Logger log{"rpc"};
  log.warn("a provider is ejected for a while", {{"service", service}, {"provider", ejection.address.to_string()}, {"why", ejection.why}});
}

CallProtocol call_protocol(const Attempt& attempt) {
  const std::string_view spoken = attempt.provider().protocol;
  if (spoken == "bolt") return CallProtocol::bolt;
  if (spoken == "dubbo") return CallProtocol::dubbo;
  if (spoken == kInProcessScheme) return CallProtocol::in_process;
  if (spoken == kHttp1Scheme || spoken == kHttp2Scheme || spoken == kSecureHttp2Scheme) return CallProtocol::http;
  return attempt.spec.typed() && attempt.spec.shape->result.protobuf != nullptr ? CallProtocol::grpc : CallProtocol::triple;
}

}  // namespace

cluster::Outcome outcome_of(const Result<void>& done) {
  if (done) return cluster::Outcome::answered;
  switch (status_of(done.error())) {
    case bolt::Status::success:
      return cluster::Outcome::answered;
    case bolt::Status::timeout:
    case bolt::Status::server_busy:
      return cluster::Outcome::overloaded;
    default:
      return cluster::Outcome::failed;
  }
}

bool is_retryable(const Error& error) {
  switch (status_of(error)) {
    case bolt::Status::server_busy:
    case bolt::Status::timeout:
    case bolt::Status::comm_error:
    case bolt::Status::connection_closed:
      return true;
    default:
      return false;
  }
}

Caller::Caller(std::shared_ptr<Providers> providers, ServiceNames names, ClientOptions options, std::shared_ptr<io::TlsClientContext> tls,
               std::shared_ptr<ClientProtocol> in_process)
    : providers_(std::move(providers)),
      client_(make_identity(std::move(names), std::move(options))),
      interface_(client_->names.interface),
      options_(client_->options),
      shard_(io::Shard::current()),
      core_(make_core(shard_, providers_, client_, std::move(tls), std::move(in_process))),
      one_at_a_time_(is_one_at_a_time(options_)),
      random_(system_seed()),
      log_(options_.calls == nullptr ? nullptr : &options_.calls->here()) {
  if (options_.retry_budget) budget_.emplace(*options_.retry_budget);
}

Caller::Core::Core(std::shared_ptr<const Providers> known, const std::shared_ptr<const ClientIdentity>& client,
                   std::shared_ptr<io::TlsClientContext> tls, std::shared_ptr<ClientProtocol> here)
    : providers(std::move(known)),
      target_idle(client->options.target_idle),
      bolt(client, client->options.tls ? tls : nullptr),
      dubbo(client, client->options.tls ? tls : nullptr),
      grpc(client, client->options.tls ? tls : nullptr),
      grpcs(client, tls, true),
      http(kHttp1Scheme, client, client->options.tls ? tls : nullptr),
      h2c(kHttp2Scheme, client, client->options.tls ? tls : nullptr),
      h2(kSecureHttp2Scheme, client, std::move(tls)),
      in_process(std::move(here)),
      idle_timer([](void* core) { static_cast<Core*>(core)->forget_idle(); }, this) {
  if (in_process != nullptr) protocols.push_back(in_process.get());
}

ClientProtocol& Caller::Core::protocol_of(const Provider& provider) {
  if (provider.protocol == kInProcessScheme) return *in_process;
  watch_idle();
  if (provider.protocol == "bolt") return bolt;
  if (provider.protocol == "dubbo") return dubbo;
  if (provider.protocol == "grpcs") return grpcs;
  if (provider.protocol == kHttp1Scheme) return http;
  if (provider.protocol == kHttp2Scheme) return h2c;
  if (provider.protocol == kSecureHttp2Scheme) return h2;
  return grpc;
}

void Caller::Core::watch_idle() {
  if (target_idle <= Duration::zero() || idle_timer.pending()) return;
  io::Shard& shard = io::Shard::current();
  shard.schedule(idle_timer, deadline_after(shard.now(), target_idle));
}

void Caller::Core::forget_idle() {
  const auto list = providers->current();
  const auto is_listed = [&list](const io::Address& address) { return std::ranges::find(*list, address, &Provider::address) != list->end(); };
  const Instant before = io::Shard::current().now() - target_idle;
  for (ClientProtocol* protocol : protocols) protocol->forget_unused(before, is_listed);
  if (!std::ranges::all_of(protocols, &ClientProtocol::empty)) watch_idle();
}

std::shared_ptr<Caller::Core> Caller::make_core(io::Shard& shard, std::shared_ptr<const Providers> providers,
                                                const std::shared_ptr<const ClientIdentity>& client, std::shared_ptr<io::TlsClientContext> tls,
                                                std::shared_ptr<ClientProtocol> in_process) {
  return std::shared_ptr<Core>(new Core(std::move(providers), client, std::move(tls), std::move(in_process)), [&shard](Core* core) {
    if (shard.is_current()) return delete core;
    shard.post([core] { delete core; });
  });
}

void Caller::close() {
  if (closed_.exchange(true)) return;
  shard_.post([core = core_] { close(core); });
}

io::detail::Root Caller::close(std::shared_ptr<Core> core) {
  core->idle_timer.cancel();
  core->tasks.cancel(kClientDestroyed);
  [[maybe_unused]] const auto joined = co_await core->tasks.join();
  for (ClientProtocol* protocol : core->protocols) co_await protocol->close();
}

void Caller::start(Task<void> task) {
  if (shard_.is_current()) return core_->tasks.spawn("rpc client", std::move(task));
  shard_.post([core = core_, task = std::move(task)]() mutable { core->tasks.spawn("rpc client", std::move(task)); });
}

namespace {

/// Where localPref finds a provider of this machine.
std::vector<std::string> own_hosts(const ClientOptions& options) {
  if (options.balancer != "localPref") return {};
  return options.own_host.empty() ? io::own_hosts() : std::vector<std::string>{options.own_host};
}

}  // namespace

Task<Result<void>> Caller::open() {
  if (options_.forks < 1) co_return fail(Code::invalid_argument, "{}: forks is {}, but a call asks at least 1 provider", interface_, options_.forks);
  core_->selector = co_await or_return(cluster::Selector::make({.balancer = options_.balancer,
                                                                .balancing = {.own_hosts = own_hosts(options_)},
                                                                .fault_tolerance = options_.fault_tolerance,
                                                                .outliers = options_.outliers,
                                                                .routers = options_.routers,
                                                                .sticky = options_.sticky},
                                                               Random(system_seed())));
  if (options_.mock != nullptr) co_return Result<void>();
  for (const auto& [method, script] : options_.mock_scripts) scripts_.emplace(method, co_await or_return(MockScript::parse(script)));
  if (options_.address_wait > Duration::zero()) co_await or_return(await_addresses());
  if (options_.check) co_await or_return(reach_one());
  if (options_.connect_all) core_->tasks.spawn("rpc connect all", core_->keep_connected());
  if (core_->selector->ticks()) core_->tasks.spawn("rpc fault tolerance", core_->measure(interface_));
  co_return Result<void>();
}

Task<Result<void>> Caller::await_addresses() {
  constexpr Duration kLook = std::chrono::milliseconds(10);
  const Instant end = deadline_after(shard_.clock().now_monotonic(), options_.address_wait);
  while (providers_->current()->empty() && shard_.clock().now_monotonic() < end) co_await or_return(io::sleep_for(kLook));
  co_return Result<void>();
}

Task<Result<void>> Caller::reach_one() {
  const ProviderList list = providers_->current();
  std::optional<Error> last;
  for (const Provider& provider : *list) {
    auto reached = co_await core_->protocol_of(provider).reach(provider.address);
    if (reached) co_return reached;
    last = std::move(reached.error());
  }
  if (!last) co_return fail(Code::unavailable, "{}: no provider is known from {}", interface_, providers_->source());
  co_return fail(Code::unavailable, "{}: no provider of '{}' can be reached; start one there or name another address: {}", interface_,
                 providers_->source(), *last);
}

Task<void> Caller::Core::keep_connected() {
  do {
    const ProviderList list = providers->current();
    for (const Provider& provider : *list) protocol_of(provider).is_live(provider.address);
  } while (co_await io::sleep_for(std::chrono::seconds(1)));
}

Task<void> Caller::Core::measure(std::string service) {
  const Clock& clock = io::Shard::current().clock();
  while (co_await io::sleep_for(std::chrono::seconds(1))) {
    const cluster::Selector::Findings found = selector->tick(clock);
    for (const cluster::Measure& measure : found.measures) log_measure(service, measure);
    for (const auto& ejection : found.ejections) log_ejection(service, ejection);
  }
}

Result<Choice> Caller::choose(const CallSpec& spec, const CallOptions& options, std::span<const io::Address> tried) {
  const Instant asked = log_ == nullptr ? Instant() : log_->now();
  if (!options.target.empty()) return find_target(options.target);
  Choice choice{.list = providers_->current(), .asked = asked};
  if (choice.list->empty()) return fail(Code::unavailable, "no provider is known from {}", providers_->source());
  const auto is_live = [](void* core, const Provider& provider) { return static_cast<Core*>(core)->protocol_of(provider).is_live(provider.address); };
  choice.provider = core_->selector->select(
      {.list = choice.list, .key = route_key(spec, options), .tried = tried, .is_live = is_live, .context = core_.get()}, shard_.clock());
  if (choice.provider == nullptr) {
    return fail(Code::unavailable, "the routers leave none of the {} providers of {} for the tag '{}'", choice.list->size(), providers_->source(),
                options.tag);
  }
  return choice;
}

/// The provider of the list that is meant, with what its URL says; else one that is called directly.
Result<Choice> Caller::find_target(const std::string& target) const {
  auto parsed = parse_providers(target);
  if (!parsed) return forward_error(parsed);
  Choice direct{.list = (*parsed)->current()};
  direct.provider = &direct.list->front();
  Choice known{.list = providers_->current()};
  for (const Provider& provider : *known.list) {
    if (provider.address == direct.provider->address && provider.protocol == direct.provider->protocol) known.provider = &provider;
  }
  return known.provider != nullptr ? known : direct;
}

cluster::RouteKey Caller::route_key(const CallSpec& spec, const CallOptions& options) {
  cluster::RouteKey key{.pick = {.interface = interface_, .method = spec.method}, .tag = options.tag};
  if (!core_->selector->needs_argument()) return key;
  if (!options.hash_key.empty()) {
    key.pick.first_argument = options.hash_key;
  } else if (spec.shape != nullptr && !spec.arguments.empty()) {
    key.pick.first_argument = argument_text(spec.shape->arguments[0], spec.arguments[0], argument_text_);
  } else if (!spec.values.empty()) {
    key.pick.first_argument = argument_text(spec.values[0], argument_text_);
  }
  return key;
}

Duration Caller::timeout_of(const Attempt& attempt) const {
  for (const Duration timeout : {attempt.options.timeout, attempt.spec.timeout, options_.timeout, attempt.provider().timeout}) {
    if (timeout > Duration::zero()) return timeout;
  }
  return kDefaultTimeout;
}

Task<Result<void>> Caller::attempt(Attempt& attempt) {
  attempt.spec.codec = attempt.codec;
  attempt.spec.codec = codec_for(attempt.spec, attempt.provider());
  attempt.timeout = timeout_of(attempt);
  attempt.begun = shard_.clock().now_monotonic();
  if (attempt.patience != kNoDeadline) attempt.timeout = std::min(attempt.timeout, attempt.patience - attempt.begun);
  if (log_ != nullptr) attempt.timer = begin_call(attempt);
  if (core_->selector->counts()) return counted(attempt);
  return options_.filters.empty() ? send(attempt) : pass_filters(attempt);
}

CallTimer Caller::begin_call(const Attempt& attempt) {
  const CallProtocol protocol = call_protocol(attempt);
  const Instant since = attempt.choice.asked == Instant() ? log_->now() : attempt.choice.asked;  // nothing was chosen
  const std::string_view method = attempt.spec.method;
  const auto is_it = [&](const Row& row) { return row.protocol == protocol && row.method == method; };
  auto row = std::ranges::find_if(rows_, is_it);
  if (row == rows_.end()) {
    MethodCalls& calls = log_->method(CallSide::client, protocol, client_->service, method);
    // The row of all others, when the log is full, is none of this method.
    if (calls.key().method != method) return CallTimer(*log_, calls, since, Stage::choose);
    row = rows_.insert(row, Row{calls.key().method, protocol, &calls});
  }
  std::iter_swap(row, rows_.begin());
  return CallTimer(*log_, *rows_.front().calls, since, Stage::choose);
}

/// Tells the balancer and the fault tolerance what became of it.
Task<Result<void>> Caller::counted(Attempt& attempt) {
  Judged judged(*core_, attempt.provider(), attempt.begun);
  Result<void> done = co_await (options_.filters.empty() ? send(attempt) : pass_filters(attempt));
  judged.end(outcome_of(done));
  co_return done;
}

Task<Result<void>> Caller::pass_filters(Attempt& attempt) {
  struct Last {
    Caller& caller;
    Attempt& attempt;
  } last{*this, attempt};
  attempt.timer.enter(Stage::filters);
  const InvocationValues values(attempt.spec.shape, attempt.spec.arguments.data(), attempt.spec.result);
  Invocation invocation{.service = client_->service,
                        .method = attempt.spec.method,
                        .arguments = values.arguments,
                        .result = values.result,
                        .options = &attempt.options,
                        .address = &attempt.provider().address};
  const Next next(
      options_.filters,
      [](void* context, Invocation&) -> Task<Result<void>> {
        Last& target = *static_cast<Last*>(context);
        auto done = co_await target.caller.send(target.attempt);
        target.attempt.timer.enter(Stage::filters);
        co_return done;
      },
      &last);
  co_return co_await next(invocation);
}

/// Waits before a provider that has failed is asked again.
Task<Result<void>> Caller::pause(int number, Deadline deadline) {
  const Duration wait = options_.backoff.pause(number, random_);
  const Instant until = std::min(deadline_after(shard_.clock().now_monotonic(), wait), deadline);
  co_return co_await io::sleep_until(until);
}

Error Caller::describe(const Attempt& attempt, const Error& error) const {
  const Duration took = shard_.clock().now_monotonic() - attempt.begun;
  std::string text = fmt::format("{}.{} at {}, attempt {} of {}: ", interface_, attempt.spec.method, attempt.provider().address.to_string(),
                                 attempt.number, attempt.most);
  const bolt::Status status = status_of(error);
  if (closed_ && (status == bolt::Status::connection_closed || status == bolt::Status::comm_error)) {
    return Error(Code::cancelled, fmt::format("{}{} (after {} ms)", text, kClientDestroyed, milliseconds(took)));
  }
  const auto* thrown = error.detail<JavaException>();
  if (thrown != nullptr) {
    text += thrown->to_string();
  } else if (status == bolt::Status::timeout) {
    const auto waited = std::chrono::ceil<std::chrono::milliseconds>(std::min(attempt.timeout, took));  // a timer may be a little early
    text += fmt::format("no answer within {} ms", waited.count());
  } else {
    text += fmt::format("{} (after {} ms)", error, milliseconds(took));
  }
  Error described(error.code(), std::move(text));
  if (thrown != nullptr) return std::move(described).with_detail(std::make_shared<const JavaException>(*thrown));
  if (status != bolt::Status::success) return transport::with_status(std::move(described), status);
  return described;
}

const MockScript* Caller::script_of(std::string_view method) const {
  auto found = scripts_.find(method);
  if (found == scripts_.end()) found = scripts_.find("*");
  return found == scripts_.end() ? nullptr : &found->second;
}

Task<Result<void>> Caller::call(std::shared_ptr<Caller> self, CallSpec spec, CallOptions options, std::optional<const Context*> served) {
  const MockScript* mock = self->scripts_.empty() ? nullptr : self->script_of(spec.method);
  if (mock == nullptr) return call_providers(std::move(self), std::move(spec), std::move(options), served);
  return call_or_mock(std::move(self), *mock, std::move(spec), std::move(options), served);
}

Task<Result<void>> Caller::call_or_mock(std::shared_ptr<Caller> self, const MockScript& mock, CallSpec spec, CallOptions options,
                                        std::optional<const Context*> served) {
  if (!mock.always) {
    auto done = co_await call_providers(self, spec, options, served);
    if (done || !is_no_answer(done.error())) co_return done;
    if ((co_await io::current_scope()).cancelled()) co_return done;
  }
  if (mock.verb != MockScript::Verb::ask) co_return mock.play(spec);
  Result<void> done;
  for (const std::string& provider : mock.providers) {
    options.target = provider;
    done = co_await call_providers(self, spec, options, served);
    if (done || !is_no_answer(done.error())) break;
  }
  co_return done;
}

Task<Result<void>> Caller::call_providers(std::shared_ptr<Caller> self, CallSpec spec, CallOptions options, std::optional<const Context*> served) {
  Caller& caller = *self;
  const io::Scope& scope = co_await io::current_scope();
  if (caller.closed_) co_return fail(Code::cancelled, "{}.{}: {} before the call was sent", caller.interface_, spec.method, kClientDestroyed);
  Attempt current{
      .spec = spec, .options = options, .deadline = scope.deadline(), .served = served ? *served : current_call(scope), .codec = spec.codec};
  if (caller.options_.mock != nullptr) co_return co_await caller.ask_mock(spec);
  if (caller.budget_) caller.budget_->deposit();
  if (!caller.one_at_a_time_ && (!spec.oneway || caller.options_.strategy == Strategy::broadcast)) {
    co_return co_await by_strategy(self, spec, options, current);
  }
  current.most = caller.options_.strategy == Strategy::failfast ? 1
                                                                : 1 + std::max(0, options.retries ? *options.retries
                                                                                  : spec.retries  ? *spec.retries
                                                                                                  : caller.options_.retries);
  std::vector<io::Address> tried;
  current.choice = co_await or_return(caller.choose_next(current, tried));
  for (;;) {
    auto done = co_await caller.attempt(current);
    current.timer.end(done);
    if (options.response != nullptr) {
      options.response->address = current.provider().address;
      options.response->attempts = current.number;
    }
    if (done) co_return done;
    if (caller.closed_ || scope.cancelled() || !caller.may_go_on(current, done.error())) {
      co_return std::unexpected(caller.describe(current, done.error()));
    }
    current.choice = co_await or_return(caller.go_on(current, tried, done.error()));
  }
}

Result<Choice> Caller::choose_next(const Attempt& attempt, std::span<const io::Address> tried) {
  auto choice = choose(attempt.spec, attempt.options, tried);
  if (!choice) return fail(choice.error().code(), "{}.{}: {}", interface_, attempt.spec.method, choice.error());
  return choice;
}

bool Caller::is_free(const Attempt& attempt, const Error& error) const {
  const Instant now = shard_.clock().now_monotonic();
  return transport::sent_of(error) != transport::Sent::maybe && now < std::min(attempt.patience, attempt.end());
}

bool Caller::may_go_on(const Attempt& attempt, const Error& error) const {
  if (!is_retryable(error) || shard_.clock().now_monotonic() >= attempt.deadline) return false;
  return is_free(attempt, error) || attempt.number < attempt.most;
}

/// Chooses who is asked after an attempt that has failed, when there is somebody. When nothing was sent, another provider is asked in its place: that
/// is no further attempt. So is a second look at one that has said that it closes, while the time of the attempt lasts.
Task<Result<Choice>> Caller::go_on(Attempt& current, std::vector<io::Address>& tried, const Error& last) {
  const auto was_asked = [&tried](const io::Address& address) { return std::ranges::find(tried, address) != tried.end(); };
  if (!was_asked(current.provider().address)) tried.push_back(current.provider().address);
  auto choice = choose_next(current, tried);
  if (!choice) co_return choice;
  const bool again = was_asked(choice->provider->address);
  const bool free = is_free(current, last) && (!again || transport::sent_of(last) == transport::Sent::no_closed);
  if (!free && !(current.number < current.most && may_repeat())) co_return std::unexpected(describe(current, last));
  current.patience = !free ? kNoDeadline : std::min(current.patience, current.end());
  if (again) {
    auto waited = co_await pause(current.number, free ? current.patience : current.deadline);
    if (!waited) {
      co_return std::unexpected(describe(current, Error(waited.error().code(), fmt::format("{}, in the pause after: {}", waited.error(), last))));
    }
  }
  if (!free) ++current.number;
  co_return choice;
}

}  // namespace sofa::rpc::detail
