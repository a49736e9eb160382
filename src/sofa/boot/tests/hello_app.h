#pragma once
// An application with one service, its admin port, and a client of both: for tests of what the port tells the console.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract.h"
#include "sofa/boot/testing/test_app.h"
#include "sofa/http/channel.h"
#include "sofa/rpc/client.h"

namespace sofa::boot::testing {

struct Order {
  std::string id{};
  int64_t cents = 0;
  static void describe(Description<Order>& d) {
    d.java_type("demo.Order");
    d.field("id", &Order::id).doc("chosen by the caller");
    d.field("cents", &Order::cents).range(1, 1'000'000);
  }
};

struct Greeter : rpc::Interface {
  static constexpr std::string_view kName = "demo.Greeter";
  rpc::Method<std::string(std::string)> greet{this, "greet", {.parameters = {"name"}, .doc = "Says hello."}};
  rpc::Method<int64_t(Order, bool)> order{this, "order"};
  rpc::Method<void()> never{this, "never"};
};

class Hello {
 public:
  void implement(Greeter& greeter) {
    greeter.greet = [](std::string name) -> Result<std::string> {
      if (name.empty()) return fail(Code::invalid_argument, "a name is needed");
      return "hello " + name;
    };
    greeter.order = [](Order order, bool twice) -> Result<int64_t> { return twice ? 2 * order.cents : order.cents; };
    greeter.never = []() -> rpc::Task<Result<void>> { co_return co_await io::until_cancelled(); };
  }
};

class HelloApp : public ::testing::Test {
 protected:
  explicit HelloApp(bool virtual_clock = true)
      : app([](Application& application) { application.component<Hello>("hello").provides<Greeter>().on(bolt, http); },
            {.virtual_clock = virtual_clock}) {}
  void SetUp() override {
    const auto started = app.start();
    ASSERT_TRUE(started) << started.error().to_string();
    auto connected = app.run(rpc::connect<Greeter>(app.url(), {.app = "shop"}));
    ASSERT_TRUE(connected) << connected.error().to_string();
    client = *connected;
  }
  void TearDown() override { client.reset(); }

  struct Got {
    int status = 0;
    std::string body{};
  };
  Got ask(std::string method, std::string target, std::string body = {}) {
    return app.run([](uint16_t port, std::string how, std::string asked, std::string content) -> io::Task<Got> {
      http::Channel channel(io::Address::of("127.0.0.1", port));
      http::RequestHead head{.method = std::move(how), .target = std::move(asked)};
      if (!content.empty()) head.headers.add("content-type", "application/json");
      auto answer = co_await channel.exchange(std::move(head), Bytes::copy_of(content));
      co_await channel.close();
      if (!answer) co_return Got{.body = answer.error().to_string()};
      co_return Got{answer->status, std::string(answer->body.text())};
    }(app.admin_port(), std::move(method), std::move(target), std::move(body)));
  }
  /// The answer to a GET, which has the shape of the contract's route.
  boost::json::object get(std::string_view route, std::string_view target) {
    const Got got = ask("GET", fmt::format("/v1/{}", target));
    EXPECT_EQ(got.status, 200) << got.body;
    EXPECT_THAT(contract.faults("get", route, got.body), ::testing::IsEmpty()) << got.body;
    return got.status == 200 ? boost::json::parse(got.body).as_object() : boost::json::object();
  }
  boost::json::object get(std::string_view route) { return get(route, route); }

  /// Calls, and lets the second pass after which the sampler has seen them.
  void call(int well, int wrong) {
    for (int i = 0; i < well; ++i) EXPECT_TRUE(app.run(client->greet("ada")));
    for (int i = 0; i < wrong; ++i) EXPECT_FALSE(app.run(client->greet("")));
    app.advance(std::chrono::seconds(1));
  }
  /// Time passes until it holds.
  bool eventually(const std::function<bool()>& holds) {
    for (int looks = 0; looks < 50; ++looks) {
      if (holds()) return true;
      app.advance(std::chrono::milliseconds(200));
    }
    return false;
  }

  testing::Contract contract;
  TestApp app;
  std::shared_ptr<Greeter> client;
};

}  // namespace sofa::boot::testing
