// What a generated client does over gRPC it does in the process: one table of behaviours, run over both transports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shop.sofa.h"
#include "sofa/io/runtime.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/in_process.h"

namespace sofa::sample::shop {
namespace {

using namespace std::chrono_literals;
using rpc::or_return, rpc::Task;
using ::testing::HasSubstr;

Order order_of(std::string id) {
  Order order;
  order.set_id(std::move(id));
  return order;
}
Receipt receipt_of(std::string id) {
  Receipt receipt;
  receipt.set_id(std::move(id));
  return receipt;
}

/// A service that says what it has seen.
struct Observed {
  std::shared_ptr<Shop> shop = std::make_shared<Shop>();
  io::Event ended;     // the handler that was called last has ended
  std::string reason;  // of its cancellation
  int calls = 0;
  int written = 0;  // messages of watch
  std::string peer, app, baggage;

  Observed() {
    shop->place_order = [this](rpc::Context& context, Order order) -> Result<Receipt> {
      ++calls;
      peer = context.peer().is_loopback() ? "loopback" : context.peer().to_string();
      app = context.caller_app();
      baggage = context.baggage("color").value_or("none");
      context.put_response_baggage("shade", "dark");
      context.put_response_header("X-Till", "7");
      if (order.id() == "refuse") return fail(Code::failed_precondition, "closed on {}", "Sunday");
      if (order.id() == "throw") throw std::runtime_error("the till fell");
      return receipt_of(order.id() + std::string(context.header("X-Suffix")));
    };
    shop->best_of = [this](Order) -> Task<Result<Order::Line>> { co_return co_await until_cancelled<Order::Line>(); };
    shop->delete_ = [this](Order) -> Task<Result<Receipt>> {
      ++calls;
      ended.set();
      co_return Receipt();
    };
    shop->watch = [this](Order order, rpc::Writer<Receipt>& out) { return watch_for(std::move(order), out); };
    shop->collect = [](rpc::Reader<Order>& in) -> Task<Result<Receipt>> {
      Receipt all;
      while (const auto order = co_await or_return(in.read())) all.set_id(all.id() + order->id());
      if (all.id() == "throw") throw std::runtime_error("the till fell");
      co_return all;
    };
    shop->talk = [](rpc::Reader<Order>& in, rpc::Writer<Receipt>& out) -> Task<Result<void>> {
      while (const auto order = co_await or_return(in.read())) {
        if (order->id() == "fail") co_return fail(Code::aborted, "told to");
        co_await or_return(out.write(receipt_of(order->id())));
      }
      co_return Result<void>();
    };
  }
  template <class T>
  Task<Result<T>> until_cancelled() {
    ++calls;
    const auto slept = co_await io::sleep_for(60s);
    reason = slept ? "none" : slept.error().to_string();
    ended.set();
    co_return T();
  }
  Task<Result<void>> watch_for(Order order, rpc::Writer<Receipt>& out) {
    for (const auto& line : order.lines()) {
      co_await or_return(out.write(receipt_of(line.article())));
      ++written;
    }
    if (order.id() == "stay") co_await or_return(until_cancelled<Receipt>());
    if (order.id() == "fail") co_return fail(Code::data_loss, "the rest is lost");
    co_return Result<void>();
  }
};

/// How the client reaches the service.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Task<Result<std::shared_ptr<Shop>>> connect(std::shared_ptr<Shop> service, rpc::InProcessOptions options) = 0;
  virtual Task<Result<void>> stop() = 0;
};

class Wire final : public Transport {
 public:
  Task<Result<std::shared_ptr<Shop>>> connect(std::shared_ptr<Shop> service, rpc::InProcessOptions options) override {
    server_ = co_await or_return(rpc::Server(rpc::ServerOptions{.port = 0}).add(std::move(service), options.service).start());
    co_return co_await rpc::connect<Shop>(fmt::format("grpc://127.0.0.1:{}", server_->port()), options.client);
  }
  Task<Result<void>> stop() override { return server_->stop(); }

 private:
  std::unique_ptr<rpc::RunningServer> server_;
};

class InProcess final : public Transport {
 public:
  Task<Result<std::shared_ptr<Shop>>> connect(std::shared_ptr<Shop> service, rpc::InProcessOptions options) override {
    return rpc::connect_in_process(std::move(service), std::move(options));
  }
  Task<Result<void>> stop() override { co_return Result<void>(); }
};

std::unique_ptr<Transport> make_transport(std::string_view name) {
  if (name == "wire") return std::make_unique<Wire>();
  return std::make_unique<InProcess>();
}

/// What one behaviour works with.
struct Case {
  std::unique_ptr<Transport> transport;
  Observed observed{};
  std::shared_ptr<Shop> client{};
};

class BothWays : public ::testing::TestWithParam<std::string_view> {
 protected:
  using Behaviour = Task<Result<void>> (*)(Case& with);
  void expect(Behaviour behaviour, rpc::InProcessOptions options = {}) {
    io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
    const auto done = runtime.block_on(io::with_timeout(20s, run(behaviour, std::move(options), GetParam())));
    EXPECT_TRUE(done.has_value()) << done.error().to_string();
  }

 private:
  static Task<Result<void>> run(Behaviour behaviour, rpc::InProcessOptions options, std::string_view name) {
    Case with{make_transport(name)};
    with.client = co_await or_return(with.transport->connect(with.observed.shop, std::move(options)));
    auto done = co_await behaviour(with);
    with.client.reset();
    auto stopped = co_await with.transport->stop();
    co_return done ? stopped : done;
  }
};

INSTANTIATE_TEST_SUITE_P(Calls, BothWays, ::testing::Values("wire", "in_process"), [](const auto& param) { return std::string(param.param); });

TEST_P(BothWays, AUnaryCallHasItsMetadataInBothDirections) {
  expect(
      [](Case& with) -> Task<Result<void>> {
        rpc::CallResponse response;
        const Order order = order_of("o-1");
        const Receipt receipt = co_await or_return(
            with.client->place_order.with({.baggage = {{"color", "blue"}}, .headers = {{"x-suffix", "!"}}, .response = &response})(order));
        EXPECT_EQ(receipt.id(), "o-1!");
        EXPECT_EQ(order.id(), "o-1");
        EXPECT_EQ(with.observed.peer, "loopback");
        EXPECT_EQ(with.observed.app, "till");
        EXPECT_EQ(with.observed.baggage, "blue");
        EXPECT_NE(rpc::find_in(response.headers, "x-till"), nullptr);
        const std::string* shade = rpc::find_in(response.baggage, "shade");
        EXPECT_TRUE(shade != nullptr && *shade == "dark");
        EXPECT_EQ(response.attempts, 1);
        co_return Result<void>();
      },
      {.client = {.app = "till"}});
}

TEST_P(BothWays, AnErrorOfTheServiceComesWithItsCodeAndSentence) {
  expect([](Case& with) -> Task<Result<void>> {
    const auto refused = co_await with.client->place_order(order_of("refuse"));
    EXPECT_TRUE(!refused && refused.error().code() == Code::failed_precondition);
    if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr("closed on Sunday"));
    co_return Result<void>();
  });
}

TEST_P(BothWays, WhatTheServiceThrowsIsAnError) {
  expect([](Case& with) -> Task<Result<void>> {
    const auto thrown = co_await with.client->place_order(order_of("throw"));
    EXPECT_TRUE(!thrown && thrown.error().code() == Code::internal);
    if (!thrown) EXPECT_THAT(thrown.error().to_string(), HasSubstr("the till fell"));
    auto collected = co_await or_return(with.client->collect());
    co_await or_return(collected.write(order_of("throw")));
    const auto answer = co_await collected.finish();
    EXPECT_TRUE(!answer && answer.error().code() == Code::unknown);
    co_return Result<void>();
  });
}

TEST_P(BothWays, ADeadlineEndsTheCallAndTheWaitsOfTheService) {
  expect([](Case& with) -> Task<Result<void>> {
    const auto late = co_await with.client->best_of.with({.timeout = 50ms})(Order());
    EXPECT_TRUE(!late && late.error().code() == Code::deadline_exceeded);
    if (!late) EXPECT_THAT(late.error().to_string(), HasSubstr("no answer within 50 ms"));
    co_await or_return(with.observed.ended.wait());
    EXPECT_NE(with.observed.reason, "none");
    co_return Result<void>();
  });
}

TEST_P(BothWays, ACallerThatIsCancelledCancelsTheService) {
  expect([](Case& with) -> Task<Result<void>> {
    io::CancelSource source(co_await io::current_scope());
    io::TaskGroup group(co_await io::current_scope());
    group.spawn("cancel when it is called", [](Case& of, io::CancelSource& canceller) -> Task<void> {
      while (of.observed.calls == 0) {
        if (!co_await io::sleep_for(1ms)) co_return;
      }
      canceller.cancel("the shopper has left");
    }(with, source));
    const auto done = co_await source.run(with.client->best_of.with({.timeout = 30s})(Order()));
    EXPECT_TRUE(!done && done.error().code() == Code::cancelled);
    if (!done) EXPECT_THAT(done.error().to_string(), HasSubstr("the shopper has left"));
    co_await or_return(with.observed.ended.wait());
    EXPECT_NE(with.observed.reason, "none");
    co_return co_await group.join();
  });
}

TEST_P(BothWays, ACallThatRunsEndsWhenItsClientIsDestroyed) {
  expect([](Case& with) -> Task<Result<void>> {
    io::TaskGroup group(co_await io::current_scope());
    group.spawn("destroy the client when it is called", [](Case& of) -> Task<void> {
      while (of.observed.calls == 0) {
        if (!co_await io::sleep_for(1ms)) co_return;
      }
      of.client.reset();
    }(with));
    const auto done = co_await with.client->best_of.with({.timeout = 30s})(Order());
    EXPECT_TRUE(!done && done.error().code() == Code::cancelled);
    if (!done) EXPECT_THAT(done.error().to_string(), HasSubstr("the client was destroyed"));
    co_return co_await group.join();
  });
}

TEST_P(BothWays, AOnewayCallIsCarriedOut) {
  expect([](Case& with) -> Task<Result<void>> {
    co_await or_return(with.client->delete_.oneway(order_of("gone")));
    co_await or_return(with.observed.ended.wait());
    EXPECT_EQ(with.observed.calls, 1);
    co_return Result<void>();
  });
}

TEST_P(BothWays, StreamsOfAllKindsCarryTheirMessagesInOrder) {
  expect([](Case& with) -> Task<Result<void>> {
    constexpr int kMany = 100;  // more than wait in the process
    Order order;
    std::string wanted, seen;
    for (int i = 0; i < kMany; ++i) order.add_lines()->set_article(std::to_string(i)), wanted += std::to_string(i);
    auto watched = co_await or_return(with.client->watch(order));
    while (const auto receipt = co_await or_return(watched.read())) seen += receipt->id();
    EXPECT_EQ(seen, wanted);

    auto collected = co_await or_return(with.client->collect());
    for (int i = 0; i < kMany; ++i) co_await or_return(collected.write(order_of(std::to_string(i))));
    EXPECT_EQ((co_await or_return(collected.finish())).id(), wanted);

    auto talk = co_await or_return(with.client->talk());
    for (int i = 0; i < kMany; ++i) {
      co_await or_return(talk.write(order_of(std::to_string(i))));
      const auto answer = co_await or_return(talk.read());
      EXPECT_TRUE(answer && answer->id() == std::to_string(i));
    }
    co_await or_return(talk.finish_writes());
    EXPECT_FALSE(co_await or_return(talk.read()));
    co_return Result<void>();
  });
}

TEST_P(BothWays, TheStatusOfAStreamComesBehindItsMessages) {
  expect([](Case& with) -> Task<Result<void>> {
    Order order = order_of("fail");
    order.add_lines()->set_article("a");
    auto watched = co_await or_return(with.client->watch(order));
    const auto first = co_await or_return(watched.read());
    EXPECT_TRUE(first && first->id() == "a");
    for (int again = 0; again < 2; ++again) {
      const auto status = co_await watched.read();
      EXPECT_TRUE(!status && status.error().code() == Code::data_loss && status.error().message() == "the rest is lost");
    }
    auto talk = co_await or_return(with.client->talk());
    co_await or_return(talk.write(order_of("fail")));
    EXPECT_FALSE(co_await talk.read());
    const auto written = co_await talk.write(order_of("more"));
    EXPECT_FALSE(written) << "the call is over";
    co_return Result<void>();
  });
}

TEST_P(BothWays, AStreamEndsWithItsDeadline) {
  expect([](Case& with) -> Task<Result<void>> {
    auto watched = co_await or_return(with.client->watch(order_of("stay"), {.timeout = 50ms}));
    const auto status = co_await watched.read();
    EXPECT_TRUE(!status && status.error().code() == Code::deadline_exceeded);
    co_await or_return(with.observed.ended.wait());
    EXPECT_NE(with.observed.reason, "none");
    co_return Result<void>();
  });
}

TEST_P(BothWays, AStreamThatIsDroppedCancelsTheService) {
  expect([](Case& with) -> Task<Result<void>> {
    {
      auto watched = co_await or_return(with.client->watch(order_of("stay"), {.timeout = 30s}));
      while (with.observed.calls == 0) co_await or_return(io::sleep_for(1ms));
    }
    co_await or_return(with.observed.ended.wait());
    EXPECT_THAT(with.observed.reason, HasSubstr("is gone"));
    co_return Result<void>();
  });
}

/// Lets through what has not the header "deny".
struct Gate : rpc::Filter {
  std::vector<std::string> seen;
  Task<Result<void>> invoke(rpc::Invocation& call, rpc::Next next) override {
    seen.push_back(fmt::format("{}.{}", call.context == nullptr ? "client" : "service", call.method));
    if (call.context == nullptr) call.options->headers.emplace_back("x-gate", "passed");
    if (call.context != nullptr && call.context->header("deny") == "yes") return deny();
    return next(call);
  }
  static Task<Result<void>> deny() { co_return fail(Code::permission_denied, "denied by the filter"); }
};

TEST_P(BothWays, FiltersStandOnBothSides) {
  static std::shared_ptr<Gate> client_gate, service_gate;
  client_gate = std::make_shared<Gate>(), service_gate = std::make_shared<Gate>();
  expect(
      [](Case& with) -> Task<Result<void>> {
        co_await or_return(with.client->place_order(Order()));
        const auto denied = co_await with.client->place_order.with({.headers = {{"deny", "yes"}}})(Order());
        EXPECT_TRUE(!denied && denied.error().code() == Code::permission_denied);
        auto watched = co_await or_return(with.client->watch(Order(), {.headers = {{"deny", "yes"}}}));
        const auto status = co_await watched.read();
        EXPECT_TRUE(!status && status.error().code() == Code::permission_denied);
        EXPECT_EQ(with.observed.calls, 1);
        EXPECT_THAT(client_gate->seen, ::testing::ElementsAre("client.placeOrder", "client.placeOrder", "client.watch"));
        EXPECT_THAT(service_gate->seen, ::testing::ElementsAre("service.placeOrder", "service.placeOrder", "service.watch"));
        co_return Result<void>();
      },
      {.service = {.filters = {service_gate}}, .client = {.filters = {client_gate}}});
  client_gate.reset(), service_gate.reset();
}

TEST_P(BothWays, AMethodThatIsExcludedIsUnimplemented) {
  expect(
      [](Case& with) -> Task<Result<void>> {
        const auto excluded = co_await with.client->place_order(Order());
        EXPECT_TRUE(!excluded && excluded.error().code() == Code::unimplemented);
        co_return Result<void>();
      },
      {.service = {.exclude = {"placeOrder"}}});
}

TEST_P(BothWays, ACallThatFindsNoPlaceIsBusy) {
  expect(
      [](Case& with) -> Task<Result<void>> {
        {
          auto held = co_await or_return(with.client->watch(order_of("stay"), {.timeout = 30s}));
          while (with.observed.calls == 0) co_await or_return(io::sleep_for(1ms));
          const auto busy = co_await with.client->place_order.with({.timeout = 1s})(Order());
          EXPECT_TRUE(!busy && busy.error().code() == Code::unavailable);
        }
        co_return co_await with.observed.ended.wait();
      },
      {.service = {.concurrents = 1, .max_waiting = 0}});
}

// --- what only the process has ---

void run_on(unsigned shards, Task<Result<void>> (*body)()) {
  io::Runtime runtime({.shards = shards, .hold_limit = Duration::zero()});
  const auto done = runtime.block_on(io::with_timeout(20s, body()));
  EXPECT_TRUE(done.has_value()) << done.error().to_string();
}

TEST(InProcess, AWriterWaitsWhileNobodyReads) {
  run_on(1, []() -> Task<Result<void>> {
    Observed observed;
    auto client = co_await or_return(rpc::connect_in_process(observed.shop, {.stream_messages = 4}));
    Order order;
    for (int i = 0; i < 100; ++i) order.add_lines()->set_article("a");
    auto watched = co_await or_return(client->watch(order));
    while (observed.written < 4) co_await or_return(io::sleep_for(1ms));
    for (int turn = 0; turn < 10; ++turn) co_await io::yield();
    EXPECT_EQ(observed.written, 4);
    co_await or_return(watched.read());
    while (observed.written < 5) co_await or_return(io::sleep_for(1ms));
    co_return Result<void>();
  });
}

TEST(InProcess, CallsOfOtherShardsHopAndTheirStreamsAreRefused) {
  run_on(2, []() -> Task<Result<void>> {
    Observed observed;
    auto client = co_await or_return(rpc::connect_in_process(observed.shop));
    auto& other = io::Shard::current().runtime().shard(1 - io::Shard::current().index());
    co_return co_await io::on(other, [&client]() -> Task<Result<void>> {
      const Receipt receipt = co_await or_return(client->place_order(order_of("from afar")));
      EXPECT_EQ(receipt.id(), "from afar");
      const auto refused = co_await client->talk();
      EXPECT_TRUE(!refused && refused.error().code() == Code::failed_precondition);
      if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr("on the shard that connected the client"));
      co_return Result<void>();
    });
  });
}

TEST(InProcess, AServiceWithoutAnImplementationIsRefusedAtOnce) {
  run_on(1, []() -> Task<Result<void>> {
    const auto refused = co_await rpc::connect_in_process(std::make_shared<Shop>());
    EXPECT_TRUE(!refused && refused.error().code() == Code::failed_precondition);
    if (!refused) EXPECT_THAT(refused.error().to_string(), HasSubstr("placeOrder has no implementation"));
    const auto nobody = co_await rpc::connect_in_process(std::shared_ptr<Shop>());
    EXPECT_TRUE(!nobody && nobody.error().code() == Code::invalid_argument);
    co_return Result<void>();
  });
}

TEST(InProcess, StreamsAndOnewayCallsAreBoundedTogether) {
  run_on(1, []() -> Task<Result<void>> {
    Observed observed;
    auto client = co_await or_return(rpc::connect_in_process(observed.shop, {.client = {.max_pending = 1}}));
    {
      auto talk = co_await or_return(client->talk());
      const auto further = co_await client->talk();
      EXPECT_TRUE(!further && further.error().code() == Code::resource_exhausted);
      if (!further) EXPECT_THAT(further.error().to_string(), HasSubstr("1 streams and oneway calls run already (max_pending)"));
      const auto oneway = co_await client->delete_.oneway(order_of("gone"));
      EXPECT_TRUE(!oneway && oneway.error().code() == Code::resource_exhausted);
      EXPECT_TRUE(co_await client->place_order(order_of("unary"))) << "a unary call runs in the task of its caller";
      co_await or_return(talk.finish_writes());
      EXPECT_FALSE(co_await or_return(talk.read()));
    }
    co_await or_return(client->delete_.oneway(order_of("gone")));
    co_await or_return(observed.ended.wait());
    co_return Result<void>();
  });
}

TEST(InProcess, AnErrorNamesTheProcess) {
  run_on(1, []() -> Task<Result<void>> {
    Observed observed;
    auto client = co_await or_return(rpc::connect_in_process(observed.shop));
    const auto refused = co_await client->place_order(order_of("refuse"));
    EXPECT_FALSE(refused);
    if (!refused)
      EXPECT_THAT(refused.error().to_string(), HasSubstr("com.acme.shop.Shop.placeOrder at unix:in-process, attempt 1 of 1: closed on Sunday"));
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace sofa::sample::shop
