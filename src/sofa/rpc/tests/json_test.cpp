// Serializer 12 with what the interop contract has: dates, decimals, dynamic values and graphs.

#include "sample.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

enum class Level { bronze, silver, gold };
void describe(EnumDescription<Level>& d) {
  d.java_type("sofa.interop.Level").value("BRONZE", Level::bronze).value("SILVER", Level::silver).value("GOLD", Level::gold);
}

struct User {
  int64_t id = 0;
  Text name;
  std::optional<std::vector<Text>> tags;
  hessian::Value attrs;
  std::optional<Level> level;
  std::optional<hessian::Timestamp> birthday;
  std::optional<hessian::BigDecimal> balance;
  std::optional<std::vector<uint8_t>> avatar;
  Link<User> manager;
  static auto describe(Description<User>& d) {
    d.java_type("sofa.interop.User");
    d.field("id", &User::id);
    d.field("name", &User::name);
    d.field("tags", &User::tags);
    d.field("attrs", &User::attrs);
    d.field("level", &User::level);
    d.field("birthday", &User::birthday);
    d.field("balance", &User::balance);
    d.field("avatar", &User::avatar);
    d.field("manager", &User::manager);
  }
};

struct Contract : Interface {
  static constexpr std::string_view kName = "sofa.interop.InteropService";
  Method<Graph<User>(int64_t)> get_user{this, "getUser"};
  Method<Graph<User>(Graph<User>)> put_user{this, "putUser"};
  Method<Graph<std::vector<Link<User>>>(Graph<User>, int32_t)> copies{this, "copies"};
  Method<Graph<hessian::Value>(Graph<hessian::Value>)> echo_map{this, "echoMap", {.java_types = {"java.util.Map"}}};
  Method<Array<bool>(Array<bool>)> negate{this, "negate"};
  Method<hessian::LocalDateTime(hessian::LocalDateTime, int32_t)> plus_days{this, "plusDays"};
};

Graph<User> make_user(int64_t id) {
  auto user = Graph<User>::make();
  user->id = id;
  user->name = "user";
  user->tags = std::vector<Text>{"a", std::nullopt};
  hessian::Map* attrs = hessian::make_map(user.arena());
  attrs->push(hessian::Value::literal("k"), hessian::Value::text(user.arena(), "a text that is longer than any short string"));
  attrs->push(hessian::Value::literal("n"), hessian::Value(int32_t{7}));
  user->attrs = attrs;
  user->level = Level::gold;
  user->birthday = hessian::Timestamp{946684800000};
  user->balance = hessian::BigDecimal{"100.20"};
  user->avatar = {1, 2, 0xff};
  user->manager = user.arena().make<User>();
  user->manager->id = id + 1;
  return user;
}

std::shared_ptr<Contract> make_contract() {
  auto s = std::make_shared<Contract>();
  s->get_user = [](int64_t id) { return make_user(id); };
  s->put_user = [](Graph<User> user) {
    if (user) user->id += 1;
    return user;
  };
  s->copies = [](Graph<User> user, int32_t n) {
    Graph<std::vector<Link<User>>> all(user.shared_arena(), user.arena().make<std::vector<Link<User>>>());
    all->assign(static_cast<size_t>(n), user.get());
    return all;
  };
  s->echo_map = [](Graph<hessian::Value> map) { return map; };
  s->negate = [](Array<bool> flags) {
    for (auto& flag : flags.items) flag = !flag;
    return flags;
  };
  s->plus_days = [](hessian::LocalDateTime t, int32_t days) {
    t.date = t.date.plus_days(days).value();
    return t;
  };
  return s;
}

Task<Result<void>> check(const Contract& s) {
  const std::string expected = to_json(make_user(4)).value();
  const auto got = co_await or_return(s.get_user(4));
  EXPECT_EQ(to_json(got).value(), expected);
  const auto put = co_await or_return(s.put_user(make_user(3)));
  EXPECT_EQ(put->id, 4);
  put->manager->id += 1;
  EXPECT_EQ(to_json(put).value(), expected);
  EXPECT_FALSE(co_await or_return(s.put_user(Graph<User>(std::make_shared<Arena>(), nullptr))));
  const auto copies = co_await or_return(s.copies(make_user(4), 2));
  EXPECT_EQ(copies->size(), 2U);
  EXPECT_EQ(to_json(*copies->at(1)).value(), expected);

  const std::string text = R"({"a":[1,2.5,true,null,{"b":"c"}],"":9223372036854775807})";
  const auto map = co_await or_return(s.echo_map(graph_from_json<hessian::Value>(text).value()));
  EXPECT_EQ(to_json(map).value(), text);
  EXPECT_EQ(co_await or_return(s.negate({{true, false}})), (Array<bool>{{false, true}}));
  const auto moved = co_await or_return(s.plus_days({{2000, 2, 28}, {1, 2, 3, 4000}}, 2));
  EXPECT_EQ(moved.to_string(), "2000-03-01T01:02:03.000004");
  co_return Result<void>();
}

TEST(Json, ThePartsOfTheInteropContractThatHoldAnyValues) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_contract()).start());
    for (const uint8_t codec : {bolt::kCodecHessian, bolt::kCodecJson}) {
      SCOPED_TRACE(fmt::format("serializer {}", codec));
      auto client = co_await or_return(connect<Contract>(at(server), {.codec = codec}));
      co_await or_return(check(*client));
    }
    co_return co_await server->stop();
  }());
}

TEST(Json, ACycleIsRefusedAtTheCaller) {
  run_test([]() -> Task<Result<void>> {
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_contract()).start());
    auto client = co_await or_return(connect<Contract>(at(server), {.codec = bolt::kCodecJson}));
    auto user = make_user(1);
    user->manager = user.get();
    const auto refused = co_await client->put_user(user);
    EXPECT_FALSE(refused);
    EXPECT_THAT(std::string(refused.error().message()), HasSubstr("the object contains itself, which JSON cannot express"));
    EXPECT_EQ((co_await or_return(client->get_user(2)))->id, 2) << "the connection lives on";
    client.reset();
    co_return co_await server->stop();
  }());
}

}  // namespace
}  // namespace sofa::rpc
