// The services that protoc-gen-sofa makes of shop.proto: their names, and calls from one to the other over Bolt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shop.sofa.h"
#include "sofa/io/runtime.h"
#include "sofa/rpc/client.h"
#include "sofa/rpc/server.h"

namespace sofa::sample::shop {
namespace {

std::vector<std::string_view> wire_names(const rpc::Interface& service) {
  std::vector<std::string_view> names;
  for (const auto* method : service.methods()) names.push_back(method->name());
  return names;
}

TEST(Generated, ServicesHaveTheirJavaAndProtoNames) {
  EXPECT_EQ(Shop::kName, "com.acme.shop.Shop");
  EXPECT_EQ(Shop::kProtoName, "sofa.sample.shop.Shop");
  EXPECT_EQ(Returns::kName, "com.acme.shop.Returns");
}

TEST(Generated, MethodsHaveTheirJavaAndProtoNames) {
  EXPECT_THAT(wire_names(Shop()), testing::ElementsAre("placeOrder", "bestOf", "delete", "watch", "collect", "talk"));
  EXPECT_THAT(wire_names(Returns()), testing::ElementsAre("getURLOfOrder"));
  EXPECT_EQ(Returns().get_url_of_order.spec()->proto_name(), "GetURLOfOrder");
}

std::shared_ptr<Shop> make_shop() {
  auto shop = std::make_shared<Shop>();
  shop->place_order = [](Order order) {
    Receipt receipt;
    receipt.set_id(order.id());
    for (const auto& line : order.lines()) receipt.set_articles(receipt.articles() + line.count());
    return receipt;
  };
  shop->best_of = [](Order order) -> Result<Order::Line> {
    if (order.lines().empty()) return fail(Code::not_found, "order {} has no lines", order.id());
    return order.lines(0);
  };
  shop->delete_ = [](Order) { return Receipt(); };
  shop->watch = [](Order order, rpc::Writer<Receipt>& out) -> rpc::Task<Result<void>> {
    for (const auto& line : order.lines()) {
      Receipt receipt;
      receipt.set_id(line.article());
      co_await rpc::or_return(out.write(std::move(receipt)));
    }
    co_return Result<void>();
  };
  shop->collect = [](rpc::Reader<Order>& in) -> rpc::Task<Result<Receipt>> {
    Receipt all;
    while (const auto order = co_await rpc::or_return(in.read())) {
      all.set_id(all.id() + order->id());
      all.set_articles(all.articles() + 1);
    }
    co_return all;
  };
  shop->talk = [](rpc::Context& context, rpc::Reader<Order>& in, rpc::Writer<Receipt>& out) -> rpc::Task<Result<void>> {
    context.put_response_header("x-asked", std::string(context.header("X-Ask")));
    while (const auto order = co_await rpc::or_return(in.read())) {
      if (order->id() == "fail") co_return fail(Code::aborted, "told to");
      Receipt receipt;
      receipt.set_id(order->id());
      co_await rpc::or_return(out.write(std::move(receipt)));
    }
    co_return Result<void>();
  };
  return shop;
}

/// The same calls over either protocol.
rpc::Task<Result<void>> buy(std::string scheme, Code code) {
  auto server = co_await rpc::or_return(co_await rpc::Server(rpc::ServerOptions{.port = 0}).add(make_shop()).start());
  auto shop = co_await rpc::or_return(rpc::connect<Shop>(fmt::format("{}://127.0.0.1:{}", scheme, server->port())));
  Order order;
  order.set_id("o-1");
  const auto refused = co_await shop->best_of(order);
  EXPECT_EQ(refused.has_value(), false);
  if (!refused) {
    EXPECT_EQ(refused.error().code(), code);
    EXPECT_THAT(refused.error().to_string(), testing::HasSubstr("order o-1 has no lines"));
  }
  for (int count : {2, 3}) {
    auto* line = order.add_lines();
    line->set_article(fmt::format("article {}", count));
    line->set_count(count);
  }
  const Receipt receipt = co_await rpc::or_return(shop->place_order(order));
  EXPECT_EQ(receipt.id(), "o-1");
  EXPECT_EQ(receipt.articles(), 5);
  const Order::Line best = co_await rpc::or_return(shop->best_of(order));
  EXPECT_EQ(best.article(), "article 2");
  co_return co_await server->stop();
}

Order order_of(std::string id) {
  Order order;
  order.set_id(std::move(id));
  return order;
}

rpc::Task<Result<void>> stream(Shop& shop) {
  Order order;
  for (const char* article : {"a", "b", "c"}) order.add_lines()->set_article(article);
  auto watched = co_await rpc::or_return(shop.watch(order));
  std::string seen;
  while (const auto receipt = co_await rpc::or_return(watched.read())) seen += receipt->id();
  EXPECT_EQ(seen, "abc");

  auto collected = co_await rpc::or_return(shop.collect());
  for (const char* id : {"x", "y"}) co_await rpc::or_return(collected.write(order_of(id)));
  const Receipt all = co_await rpc::or_return(collected.finish());
  EXPECT_EQ(all.id(), "xy");

  auto talk = co_await rpc::or_return(shop.talk());
  for (int i = 0; i < 10; ++i) {
    co_await rpc::or_return(talk.write(order_of(std::to_string(i))));
    const auto answer = co_await rpc::or_return(talk.read());
    EXPECT_TRUE(answer && answer->id() == std::to_string(i));
  }
  co_await rpc::or_return(talk.write(order_of("fail")));
  const auto status = co_await talk.read();
  EXPECT_TRUE(!status && status.error().code() == Code::aborted && status.error().message() == "told to");
  co_return Result<void>();
}

void expect_ok(rpc::Task<Result<void>> task) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto bounded = [](rpc::Task<Result<void>> body) -> rpc::Task<Result<void>> {
    co_return co_await io::with_timeout(std::chrono::seconds(20), std::move(body));
  };
  const auto done = runtime.block_on(bounded(std::move(task)));
  EXPECT_TRUE(done.has_value()) << done.error().to_string();
}

TEST(Generated, AServiceIsCalledOverBolt) { expect_ok(buy("bolt", Code::unknown)); }
TEST(Generated, AServiceIsCalledOverGrpcOnTheSamePort) { expect_ok(buy("grpc", Code::not_found)); }

rpc::Task<Result<void>> call_streams() {
  auto server = co_await rpc::or_return(co_await rpc::Server(rpc::ServerOptions{.port = 0}).add(make_shop()).start());
  auto shop = co_await rpc::or_return(rpc::connect<Shop>(fmt::format("tri://127.0.0.1:{}", server->port())));
  auto done = co_await stream(*shop);
  auto over_bolt = co_await rpc::or_return(rpc::connect<Shop>(fmt::format("bolt://127.0.0.1:{}", server->port())));
  const auto refused = co_await over_bolt->talk();
  EXPECT_TRUE(!refused && refused.error().code() == Code::unimplemented);
  auto stopped = co_await server->stop();
  co_return done ? stopped : done;
}

TEST(Generated, MethodsThatStreamAreCalledOverGrpc) { expect_ok(call_streams()); }

/// Counts the calls that pass.
struct Counting : rpc::Filter {
  std::atomic<int> calls{0};
  rpc::Task<Result<void>> invoke(rpc::Invocation& call, rpc::Next next) override {
    ++calls;
    if (call.context->header("deny") == "yes") return deny();
    return next(call);
  }
  static rpc::Task<Result<void>> deny() { co_return fail(Code::permission_denied, "denied by the filter"); }
};

rpc::Task<Result<void>> call_filtered() {
  auto filter = std::make_shared<Counting>();
  auto server = co_await rpc::or_return(co_await rpc::Server(rpc::ServerOptions{.port = 0}).filter(filter).add(make_shop()).start());
  auto shop = co_await rpc::or_return(rpc::connect<Shop>(fmt::format("grpc://127.0.0.1:{}", server->port())));
  auto done = co_await stream(*shop);
  EXPECT_EQ(filter->calls, 3);
  const auto unary = co_await shop->place_order.with({.headers = {{"Deny", "yes"}}})(Order());
  EXPECT_TRUE(!unary && unary.error().code() == Code::permission_denied);
  auto watched = co_await rpc::or_return(shop->watch(Order(), {.headers = {{"deny", "yes"}}}));
  const auto read = co_await watched.read();
  EXPECT_TRUE(!read && read.error().code() == Code::permission_denied);
  auto stopped = co_await server->stop();
  co_return done ? stopped : done;
}

TEST(Generated, FiltersSeeCallsOfEveryKindOverGrpc) { expect_ok(call_filtered()); }

rpc::Task<Result<void>> separate_ports() {
  auto server = co_await rpc::or_return(co_await rpc::Server().port(0, {"bolt"}).also_port("h2", 0).add(make_shop()).start());
  const uint16_t bolt = server->port("bolt"), h2 = server->port("h2");
  EXPECT_NE(bolt, h2);
  EXPECT_EQ(server->port("dubbo"), 0);
  auto shop = co_await rpc::or_return(rpc::connect<Shop>(fmt::format("grpc://127.0.0.1:{}", h2)));
  co_await rpc::or_return(shop->place_order(Order()));
  auto wrong = co_await rpc::or_return(rpc::connect<Shop>(fmt::format("grpc://127.0.0.1:{}", bolt)));
  const auto refused = co_await wrong->place_order(Order());
  EXPECT_TRUE(!refused && refused.error().code() == Code::unavailable) << "the port of Bolt closes what is no Bolt";
  const auto unknown = co_await rpc::Server().port(0, {"blot"}).add(make_shop()).start();
  EXPECT_TRUE(!unknown && unknown.error().code() == Code::invalid_argument);
  if (!unknown) EXPECT_THAT(unknown.error().to_string(), testing::HasSubstr("'blot'; it speaks bolt, dubbo, h2"));
  co_return co_await server->stop();
}

TEST(Generated, ProtocolsMayHavePortsOfTheirOwn) { expect_ok(separate_ports()); }

}  // namespace
}  // namespace sofa::sample::shop
