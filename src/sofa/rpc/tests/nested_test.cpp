// What passes from a call to the calls made for it: trace context, deadline, cancellation. And what a timeout bounds.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sample.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

/// An outer service whose `hello` and `sleep` call the inner one, over a client of shard 0.
struct Chain {
  Fixture inner;
  std::unique_ptr<RunningServer> outer;
  std::vector<std::string> seen;   // what the inner service saw
  Duration left{};                 // of the deadline, in the inner service
  std::shared_ptr<Sample> client;  // of the outer one

  Task<Result<void>> open() {
    auto innermost = make_sample(inner.seen);
    innermost->hello = [this](Context& context, std::string name) {
      seen = {std::string(context.header("rpc_trace_context.sofaTraceId")), std::string(context.header("rpc_trace_context.sofaRpcId")),
              std::string(context.baggage("color").value_or("no baggage"))};
      if (context.deadline() != kNoDeadline) left = context.deadline() - SystemClock::instance().now_monotonic();
      return "inner " + name;
    };
    inner.server = co_await or_return(Server(ServerOptions{.port = 0}).add(innermost, {.thread_safe = true}).start());
    inner.client = co_await or_return(connect<Sample>(at(inner.server)));
    auto service = make_sample();
    service->hello = [this](std::string name) { return inner.client->hello.with({.timeout = 1h})(name); };
    service->sleep = [this](int64_t ms) { return inner.client->sleep.with({.timeout = 1h})(ms); };
    outer = co_await or_return(Server(ServerOptions{.port = 0}).add(service, {.thread_safe = true}).start());
    co_return Result<void>();
  }
  Task<Result<void>> connect_here() {
    client = co_await or_return(connect<Sample>(at(outer)));
    co_return Result<void>();
  }
  Task<Result<void>> close() {
    client.reset();
    co_await or_return(outer->stop());
    co_return co_await inner.close();
  }
};

/// With two shards, connections alternate: some handlers run beside the inner client's shard, some on another one.
TEST(Nested, TraceContextPassesOnFromEveryShardAndBaggageDoesNot) {
  run_test(
      []() -> Task<Result<void>> {
        Chain chain;
        co_await or_return(chain.open());
        for (int i = 0; i < 4; ++i) {
          chain.seen.clear();
          co_await or_return(chain.connect_here());
          const Pairs trace{{"rpc_trace_context.sofaTraceId", fmt::format("0a0fe94f16{}", i)}, {"rpc_trace_context.sofaRpcId", "0.1"}};
          EXPECT_EQ(co_await or_return(chain.client->hello.with({.baggage = {{"color", "blue"}}, .headers = trace})("bob")), "inner bob");
          EXPECT_THAT(chain.seen, ::testing::ElementsAre(fmt::format("0a0fe94f16{}", i), "0.1", "no baggage")) << "connection " << i;
        }
        co_return co_await chain.close();
      }(),
      2);
}

/// Calls an outer service over one protocol, which calls an inner one over the other; what the inner one saw of the trace.
Task<Result<void>> pass_trace(std::string outer_protocol, std::string inner_protocol) {
  std::vector<std::string> seen;
  auto innermost = make_sample();
  innermost->hello = [&seen](Context& context, std::string name) {
    for (const auto key : {"rpc_trace_context.sofaTraceId", "rpc_trace_context.samp", "tri-trace-traceid", "sofa-rpcid", "tri-trace-sys-baggage",
                           "dubbo.rpc.sofa.tracer"}) {
      seen.emplace_back(context.header(key));
    }
    return name;
  };
  auto inner = co_await or_return(Server(ServerOptions{.port = 0}).add(innermost).start());
  auto inner_client = co_await or_return(connect<Sample>(inner_protocol + inner->address().to_string()));
  auto service = make_sample();
  service->hello = [&](std::string name) { return inner_client->hello(name); };
  auto outer = co_await or_return(Server(ServerOptions{.port = 0}).add(service).start());
  auto client = co_await or_return(connect<Sample>(outer_protocol + outer->address().to_string()));
  const Pairs over_bolt{{"rpc_trace_context.sofaTraceId", "T"}, {"rpc_trace_context.sofaRpcId", "0.1"}, {"rpc_trace_context.sysPenAttrs", "a=b"}};
  const Pairs over_triple{{"tri-trace-traceid", "T"}, {"tri-trace-rpcid", "0.1"}, {"tri-trace-sys-baggage", "a=b"}};
  const Pairs over_dubbo{{"dubbo.rpc.sofa.tracer", "tcid=T&spid=0.1&pspid=0&sample=true&_sys_a=b&"}};
  co_await or_return(client->hello.with({.headers = outer_protocol == "tri://"     ? over_triple
                                                    : outer_protocol == "dubbo://" ? over_dubbo
                                                                                   : over_bolt})("bob"));
  const auto system = AnyOf("a=b", "a=b&"), sampled = AnyOf("", "true");
  if (inner_protocol == "tri://") {
    EXPECT_THAT(seen, ElementsAre("", "", "T", "0.1", system, ""));
  } else if (inner_protocol == "dubbo://") {
    EXPECT_THAT(seen, ElementsAre("T", "true", "", "", "", over_dubbo.front().second));
  } else {
    EXPECT_THAT(seen, ElementsAre("T", sampled, "", "", "", ""));
  }
  client.reset();
  co_await or_return(outer->stop());
  inner_client.reset();
  co_return co_await inner->stop();
}
TEST(Nested, TraceContextPassesOnBetweenProtocols) {
  for (const std::string outer : {"bolt://", "tri://", "http://", "h2c://", "dubbo://"}) {
    for (const std::string inner : {"bolt://", "tri://", "http://", "h2c://", "dubbo://"}) {
      SCOPED_TRACE(outer + " " + inner);
      run_test(pass_trace(outer, inner));
    }
  }
}

TEST(Nested, ACallHasWhatIsLeftOfTheOuterOnesTime) {
  run_test(
      []() -> Task<Result<void>> {
        Chain chain;
        co_await or_return(chain.open());
        for (int i = 0; i < 2; ++i) {
          chain.left = {};
          co_await or_return(chain.connect_here());
          co_await or_return(chain.client->hello.with({.timeout = 30s})("bob"));
          EXPECT_GT(chain.left, Duration::zero());
          EXPECT_LE(chain.left, 30s) << "though the inner call allows itself an hour";
        }
        co_return co_await chain.close();
      }(),
      2);
}

/// Bolt has no word for "give up", so the inner service learns of it by its deadline alone; the handler and its nested call end at once.
TEST(Nested, ACallEndsWithItsHandlerWhenTheCallersConnectionCloses) {
  run_test(
      []() -> Task<Result<void>> {
        Chain chain;
        co_await or_return(chain.open());
        for (uint64_t i = 1; i <= 2; ++i) {
          co_await or_return(chain.connect_here());
          chain.client->sleep.with({.timeout = 10min}).callback(600'000, [](Result<std::string>) {});
          EXPECT_TRUE(co_await eventually([&] { return chain.inner.server->stats().calls == i; }));
          EXPECT_EQ(chain.outer->stats().errors, i - 1);
          chain.client.reset();
          EXPECT_TRUE(co_await eventually([&] { return chain.outer->stats().errors == i; }));
        }
        co_return co_await chain.close();
      }(),
      2);
}

/// A port whose queue of connections is full: a further connect gets no answer at all.
class FullPort {
 public:
  FullPort() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::listen(listener_, 0), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size), 0);
    port_ = ntohs(name.sin_port);
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      [[maybe_unused]] const int begun = ::connect(filler, reinterpret_cast<sockaddr*>(&name), size);
    }
  }
  ~FullPort() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  std::string address() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  int listener_ = -1;
  int fillers_[4] = {};
  uint16_t port_ = 0;
};

TEST(Timeout, ACallDoesNotWaitLongerForItsConnectionThanItsTimeout) {
  run_test([]() -> Task<Result<void>> {
    const FullPort full;
    auto client = co_await or_return(connect<Sample>(full.address(), {.connect_timeout = 1h, .check = false}));
    const auto got = co_await client->hello.with({.timeout = 50ms})("x");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::deadline_exceeded);
    EXPECT_THAT(std::string(got.error().message()),
                MatchesRegex("sofa.interop.InteropService.hello at 127.0.0.1:[0-9]+, attempt 1 of 1: no connection within the timeout of the call "
                             "\\(after [0-9]+ ms\\)"));
    client.reset();
    co_return Result<void>();
  }());
}

TEST(Timeout, AProviderThatDoesNotAcceptIsPassedOver) {
  run_test([]() -> Task<Result<void>> {
    const FullPort full;
    Fixture f;
    co_await or_return(f.open());
    auto client = co_await or_return(
        connect<Sample>(full.address() + "," + at(f.server), {.retries = 1, .connect_timeout = 1h, .check = false, .balancer = "roundRobin"}));
    for (int i = 0; i < 4; ++i) {
      const auto got = co_await client->hello.with({.timeout = 500ms})("x");
      EXPECT_TRUE(got) << got.error().to_string();
    }
    client.reset();
    co_return co_await f.close();
  }());
}

}  // namespace
}  // namespace sofa::rpc
