// Calls that stream: the filters see their opening, and what becomes of them counts for their provider.

#include "sofa/rpc/detail/caller.h"

namespace sofa::rpc::detail {

/// A call that streams while it is opened.
struct Caller::Opening {
  Caller& caller;
  const MethodSpec& method;
  Choice choice;
  CallOptions& options;
  std::unique_ptr<MessageStream> stream{};

  const Provider& provider() const { return *choice.provider; }
};

/// Tells the balancer and the fault tolerance what becomes of an open stream. How long it took is the time to the first message, since a stream may
/// go on as long as its user likes.
class Caller::CountedStream final : public MessageStream {
 public:
  CountedStream(std::unique_ptr<MessageStream> inner, std::shared_ptr<Core> core, Choice choice, Instant begun)
      : inner_(std::move(inner)), core_(std::move(core)), choice_(std::move(choice)), begun_(begun) {}
  /// Dropped before its end: nothing speaks against the provider.
  ~CountedStream() override { end({}); }

  Task<Result<bool>> read(void* into) override {
    auto got = co_await inner_->read(into);
    if (got && *got) {
      if (!first_) first_ = io::Shard::current().now();
    } else if (got) {
      end({});
    } else {
      end(std::unexpected(got.error()));
    }
    co_return got;
  }
  // What a failed write means is what the next read says.
  Task<Result<void>> write(void* message) override { return inner_->write(message); }
  Result<void> finish_writes() override { return inner_->finish_writes(); }

 private:
  void end(const Result<void>& done) {
    if (std::exchange(ended_, true)) return;
    const Instant now = io::Shard::current().now();
    cluster::Outcome outcome = outcome_of(done);
    // Whoever has begun to answer was not too busy to.
    if (first_ && outcome == cluster::Outcome::overloaded) outcome = cluster::Outcome::answered;
    core_->selector->ended(*choice_.provider, first_.value_or(now) - begun_, outcome, now);
  }

  const std::unique_ptr<MessageStream> inner_;
  const std::shared_ptr<Core> core_;
  const Choice choice_;
  const Instant begun_;
  std::optional<Instant> first_;  // message came
  bool ended_ = false;
};

Task<Result<std::unique_ptr<MessageStream>>> Caller::open_stream(std::shared_ptr<Caller> self, const MethodSpec& method, CallOptions options) {
  Caller& caller = *self;
  if (caller.closed_) co_return fail(Code::cancelled, "{}.{}: {} before the stream was opened", caller.interface_, method.name, kClientDestroyed);
  if (caller.options_.mock != nullptr)
    co_return fail(Code::unimplemented, "{}.{} streams, and a mock answers no streams", caller.interface_, method.name);
  const MockScript* mock = caller.scripts_.empty() ? nullptr : caller.script_of(method.name);
  if (mock == nullptr) co_return co_await open_at_provider(std::move(self), method, std::move(options));
  if (!mock->always) {
    auto opened = co_await open_at_provider(self, method, options);
    if (opened || !is_no_answer(opened.error()) || (co_await io::current_scope()).cancelled()) co_return opened;
  }
  co_return co_await open_mock(std::move(self), *mock, method, std::move(options));
}

Task<Result<std::unique_ptr<MessageStream>>> Caller::open_mock(std::shared_ptr<Caller> self, const MockScript& mock, const MethodSpec& method,
                                                               CallOptions options) {
  if (mock.verb != MockScript::Verb::ask) co_return mock.play_stream(method);
  Result<std::unique_ptr<MessageStream>> opened;
  for (const std::string& provider : mock.providers) {
    options.target = provider;
    opened = co_await open_at_provider(self, method, options);
    if (opened || !is_no_answer(opened.error())) break;
  }
  co_return opened;
}

Task<Result<std::unique_ptr<MessageStream>>> Caller::open_at_provider(std::shared_ptr<Caller> self, const MethodSpec& method, CallOptions options) {
  Caller& caller = *self;
  CallSpec spec;
  spec.method = method.name;
  Opening opening{caller, method, co_await or_return(caller.choose(spec, options, {})), options};
  const Instant begun = caller.shard_.now();
  std::optional<Judged> judged;
  if (caller.core_->selector->counts()) judged.emplace(*caller.core_, opening.provider(), begun);
  auto done = co_await caller.open(opening);
  if (done && opening.stream == nullptr) done = fail(Code::failed_precondition, "a filter answered, but a stream must be opened: call `next`");
  if (done && judged) {
    judged->hand_over();
    co_return std::make_unique<CountedStream>(std::move(opening.stream), caller.core_, std::move(opening.choice), begun);
  }
  if (done) co_return std::move(opening.stream);
  if (judged) judged->end(outcome_of(done));
  const std::string at = opening.provider().address.to_string();
  co_return std::unexpected(std::move(done.error()).wrap(fmt::format("{}.{} at {}", caller.interface_, method.name, at)));
}

/// Through the filters.
Task<Result<void>> Caller::open(Opening& opening) {
  Invocation invocation{
      .service = client_->service, .method = opening.method.name, .options = &opening.options, .address = &opening.provider().address};
  const Next next(
      options_.filters,
      [](void* context, Invocation&) -> Task<Result<void>> {
        Opening& of = *static_cast<Opening*>(context);
        const Provider& provider = of.provider();
        of.stream = co_await or_return(of.caller.core_->protocol_of(provider).open_stream(provider, of.method, of.options));
        co_return Result<void>();
      },
      &opening);
  co_return co_await next(invocation);
}

}  // namespace sofa::rpc::detail
