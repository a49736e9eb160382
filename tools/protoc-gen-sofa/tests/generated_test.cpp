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

TEST(Generated, ServicesHaveTheirJavaNames) {
  EXPECT_EQ(Shop::kName, "com.acme.shop.Shop");
  EXPECT_EQ(Returns::kName, "com.acme.shop.Returns");
}

TEST(Generated, MethodsHaveTheirJavaNamesAndStreamsAreLeftOut) {
  EXPECT_THAT(wire_names(Shop()), testing::ElementsAre("placeOrder", "bestOf", "delete"));
  EXPECT_THAT(wire_names(Returns()), testing::ElementsAre("getURLOfOrder"));
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
  return shop;
}

rpc::Task<Result<void>> buy() {
  auto server = co_await rpc::or_return(co_await rpc::Server(rpc::ServerOptions{.port = 0}).add(make_shop()).start());
  auto shop = co_await rpc::or_return(rpc::connect<Shop>(fmt::format("bolt://127.0.0.1:{}", server->port())));
  Order order;
  order.set_id("o-1");
  const auto refused = co_await shop->best_of(order);
  EXPECT_EQ(refused.has_value(), false);
  if (!refused) EXPECT_THAT(refused.error().to_string(), testing::HasSubstr("order o-1 has no lines"));
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

TEST(Generated, AServiceIsCalledOverBolt) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto done = runtime.block_on(buy());
  EXPECT_TRUE(done.has_value()) << done.error().to_string();
}

}  // namespace
}  // namespace sofa::sample::shop
