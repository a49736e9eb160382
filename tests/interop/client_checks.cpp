#include "client_checks.h"

namespace interop {

namespace {

using hessian::Value;

/// A check that calls one method and compares its result.
template <class R, class... Args, class... Values>
void same(std::vector<Check>& checks, std::string name, const rpc::Method<R(Args...)>& method, std::type_identity_t<R> expected,
          Values... arguments) {
  checks.push_back({std::move(name), [&method, expected, ... kept = Args(arguments)]() -> Task<Result<void>> {
                      auto got = co_await method(kept...);
                      if (!got) co_return forward_error(got);
                      co_return expect_equal(expected, *got);
                    }});
}

std::string quoted(const Text& text) { return text ? fmt::format("'{:.40}'", *text) : "null"; }

void echo(std::vector<Check>& checks, std::string name, const InteropService& service, Text sent, Text expected) {
  checks.push_back({std::move(name), [&service, sent, expected]() -> Task<Result<void>> {
                      auto got = co_await service.echo(sent);
                      if (!got) co_return forward_error(got);
                      co_return expect_true(*got == expected, fmt::format("expected {}, got {}", quoted(expected), quoted(*got)));
                    }});
}

}  // namespace

Result<void> expect_user(const User& expected, const User* got, hessian::ValueKind n_kind) {
  if (got == nullptr) return sofa::fail(Code::data_loss, "the user is null");
  const bool same_fields = got->id == expected.id && got->name == expected.name && got->age == expected.age && got->vip == expected.vip &&
                           got->score == expected.score && got->rank == expected.rank && got->tags == expected.tags && got->level == expected.level &&
                           got->birthday == expected.birthday && got->balance == expected.balance && got->avatar == expected.avatar;
  if (!same_fields) return sofa::fail(Code::data_loss, "user {} came as {} with other fields", expected.id, got->id);
  const Value* k = got->attrs.find("k");
  const Value* n = got->attrs.find("n");
  const bool attrs = k != nullptr && k->text() == "v" && n != nullptr && n->kind() == n_kind && n->integer() == expected.attrs.find("n")->integer();
  return expect_true(attrs, "attrs came as " + hessian::to_text(got->attrs));
}

Result<void> expect_thrown(const sofa::Error* error, std::string_view class_name, std::string_view message) {
  if (error == nullptr) return sofa::fail(Code::data_loss, "nothing was thrown");
  const auto* thrown = error->detail<rpc::JavaException>();
  if (thrown == nullptr) return sofa::fail(Code::data_loss, "the error has no Java exception: {}", *error);
  if (thrown->class_name != class_name) return sofa::fail(Code::data_loss, "{} was thrown, expected {}", thrown->class_name, class_name);
  if (!message.empty() && thrown->message != message) return sofa::fail(Code::data_loss, "the message is '{}'", thrown->message.value_or("null"));
  return {};
}

namespace {

void days(const InteropService& s, std::vector<Check>& checks) {
  const auto at = [](int year, int month, int date) { return hessian::LocalDateTime{{year, month, date}, {12, 0, 0, 0}}; };
  same(checks, "plusDays", s.plus_days, at(2024, 3, 1), at(2024, 2, 28), 2);
  same(checks, "plusDays.back", s.plus_days, at(1999, 12, 31), at(2000, 1, 1), -1);
  same(checks, "plusDays.before_year_0", s.plus_days, at(-1, 12, 31), at(0, 1, 1), -1);
  same(checks, "plusDays.past_year_32767", s.plus_days, at(32768, 1, 1), at(32767, 12, 31), 1);
  same(checks, "plusDays.most", s.plus_days, at(5'881'610, 7, 11), at(2000, 1, 1), INT32_MAX);
  same(checks, "plusDays.least", s.plus_days, at(-5'877'611, 6, 22), at(2000, 1, 1), INT32_MIN);
  same(checks, "plusDays.last_year", s.plus_days, at(999'999'999, 12, 31), at(999'999'999, 1, 1), 364);
  checks.push_back({"plusDays.past_the_last_year", [&s, at]() -> Task<Result<void>> {
                      const auto got = co_await s.plus_days(at(999'999'999, 12, 31), 1);
                      co_return expect_thrown(got, "java.time.DateTimeException", "");
                    }});
}

}  // namespace

void add_value_checks(Peer& peer, std::vector<Check>& checks) {
  const InteropService& s = *peer.service;
  echo(checks, "echo.null", s, {}, {});
  echo(checks, "echo.empty", s, "", "");
  echo(checks, "echo.unicode", s, "中😀 a\u00e9", "中😀 a\u00e9");
  for (const size_t length : {31u, 32u, 1023u, 1024u, 32767u, 32768u, 32769u, 65536u, 100000u}) {
    echo(checks, fmt::format("echo.length_{}", length), s, letters(length), letters(length));
  }
  const std::string border = letters(32767) + "😀" + letters(10);
  echo(checks, "echo.pair_over_a_chunk_border", s, border, border);
  for (const size_t mib : {1u, 16u}) echo(checks, fmt::format("echo.{}_mib", mib), s, letters(mib << 20), letters(mib << 20));
  echo(checks, "echo.unique_id_blue", *peer.blue, "x", "blue:x");
  same(checks, "hello", s.hello, "hello bob", "bob");
  same(checks, "hello.overload", s.hello_times, "hello bob,hello bob", "bob", 2);
  for (const int32_t a : {0, -16, -17, 47, 48, -2049, 2048, -262145, 262144, INT32_MIN, INT32_MAX}) {
    same(checks, fmt::format("add.{}", a), s.add, static_cast<int32_t>(static_cast<uint32_t>(a) + 1), a, 1);
  }
  for (const int64_t b : {int64_t{0}, int64_t{-9}, int64_t{16}, int64_t{-2049}, int64_t{262144}, int64_t{INT32_MAX} + 1, INT64_MIN, INT64_MAX}) {
    same(checks, fmt::format("addLong.{}", b), s.add_long, b, std::nullopt, b);
  }
  same(checks, "addLong.both", s.add_long, 12, 5, 7);
  for (const double d : {0.0, 2.0, -256.0, 65534.0, 0.1, 1e300, 1.001}) same(checks, fmt::format("half.{}", d), s.half, d / 2, d);
  checks.push_back({"ping", [&s]() -> Task<Result<void>> { co_return co_await s.ping(); }});
  same(checks, "echoBytes", s.echo_bytes, Bytes::literal("\x01\x02\xff"), Bytes::literal("\x01\x02\xff"));
  same(checks, "echoBytes.null", s.echo_bytes, std::nullopt, std::nullopt);
  const Bytes big = Bytes::copy_of(letters(size_t{1} << 20));
  same(checks, "echoBytes.1_mib", s.echo_bytes, big, big);
  const Array<Text> array{{"a", std::nullopt}};
  same(checks, "echoArray", s.echo_array, array, array);
  same(checks, "echoArray.null", s.echo_array, std::nullopt, std::nullopt);
  same(checks, "sum", s.sum, 6, Array<int32_t>{{1, 2, 3}});
  same(checks, "sum.empty", s.sum, 0, Array<int32_t>{});
  same(checks, "sum.10000", s.sum, 3'000'000, Array<int32_t>{std::vector<int32_t>(10'000, 300)});
  checks.push_back({"nextLevel", [&s]() -> Task<Result<void>> {
                      const Level silver = co_await or_return(s.next_level(Level::bronze));
                      const Level bronze = co_await or_return(s.next_level(Level::gold));
                      co_return expect_true(silver == Level::silver && bronze == Level::bronze, "the levels do not go round");
                    }});
  days(s, checks);
  same(checks, "big", s.big, letters(1000), 1000);
  same(checks, "big.1_mib", s.big, letters(size_t{1} << 20), 1 << 20);
  same(checks, "sleep", s.sleep, "slept 20", 20);
}

namespace {

void add_user_checks(const InteropService& s, std::vector<Check>& checks) {
  const int64_t ids[] = {0, 1, 2, 7, 255, 300'000, -3, -99, -102, -300'000, int64_t{INT32_MAX} + 2, INT64_MIN + 2, INT64_MAX};
  for (const int64_t id : ids) {
    checks.push_back({fmt::format("getUser.{}", id), [&s, id]() -> Task<Result<void>> {
                        const Graph<User> user = co_await or_return(s.get_user(id));
                        sofa::Arena arena;
                        co_return expect_user(*make_user(arena, id, nullptr), user.get());
                      }});
  }
  for (const int64_t id : {int64_t{-1}, int64_t{-2}, INT64_MIN}) {
    checks.push_back({fmt::format("getUser.no_level_{}", id), [&s, id]() -> Task<Result<void>> {
                        const auto got = co_await s.get_user(id);
                        const std::string message = fmt::format("Index {} out of bounds for length 3", id % 3);
                        co_return expect_thrown(got, "java.lang.ArrayIndexOutOfBoundsException", message);
                      }});
  }
  for (const int64_t id : {int64_t{-102}, INT64_MIN + 2, INT64_MAX}) {
    checks.push_back({fmt::format("putUser.{}", id), [&s, id]() -> Task<Result<void>> {
                        Graph<User> sent;
                        sent.set_root(make_user(sent.arena(), id, nullptr));
                        const Graph<User> back = co_await or_return(s.put_user(sent));
                        sent->id = static_cast<int64_t>(static_cast<uint64_t>(id) + 1);  // wraps
                        co_return expect_user(*sent, back.get());
                      }});
  }
  checks.push_back({"putUser", [&s]() -> Task<Result<void>> {
                      Graph<User> sent;
                      sent.set_root(make_user(sent.arena(), 41, make_user(sent.arena(), 40, nullptr)));
                      const Graph<User> back = co_await or_return(s.put_user(sent));
                      if (back.get() == nullptr || back->id != 42) co_return sofa::fail(Code::data_loss, "the id is not 42");
                      co_return expect_user(*sent->manager, back->manager.get());
                    }});
  checks.push_back({"putUser.own_manager", [&s]() -> Task<Result<void>> {
                      Graph<User> sent;
                      sent.set_root(make_user(sent.arena(), 5, nullptr));
                      sent->manager = sent.get();
                      const Graph<User> back = co_await or_return(s.put_user(sent));
                      co_return expect_true(back->id == 6 && back->manager.get() == back.get(), "the cycle is broken");
                    }});
  checks.push_back({"putUser.all_null", [&s]() -> Task<Result<void>> {
                      const Graph<User> back = co_await or_return(s.put_user(Graph<User>::make()));
                      co_return expect_true(back->id == 1 && !back->name && !back->rank && !back->level && !back->birthday,
                                            "nulls did not come back");
                    }});
  checks.push_back({"listUsers.shared_manager", [&s]() -> Task<Result<void>> {
                      const Users users = co_await or_return(s.list_users(50));
                      if (users->size() != 50) co_return sofa::fail(Code::data_loss, "{} users came", users->size());
                      sofa::Arena arena;
                      for (size_t i = 0; i < users->size(); ++i) {
                        const User* user = (*users)[i].get();
                        co_await or_return(expect_user(*make_user(arena, static_cast<int64_t>(i) + 1, nullptr), user));
                        if (user->manager != (*users)[0]->manager) co_return sofa::fail(Code::data_loss, "user {} has another manager", i + 1);
                      }
                      co_return expect_user(*make_user(arena, 0, nullptr), (*users)[0]->manager.get());
                    }});
}

void add_dynamic_checks(const InteropService& s, std::vector<Check>& checks) {
  checks.push_back({"echoMap.linked", [&s]() -> Task<Result<void>> {
                      auto sent = Graph<Value>::make();
                      hessian::Map* map = hessian::make_map(sent.arena(), "java.util.LinkedHashMap");
                      map->push(Value::literal("z"), Value(int32_t{1}));
                      map->push(Value::literal("a"), Value(int64_t{2}));
                      map->push(Value::literal("n"), Value());
                      *sent = Value(map);
                      const Graph<Value> back = co_await or_return(s.echo_map(sent));
                      co_return expect_true(hessian::same_shape(*sent, *back), "came back as " + hessian::to_text(*back));
                    }});
  checks.push_back({"echoObject.user", [&s]() -> Task<Result<void>> {
                      auto sent = Graph<Value>::make();
                      *sent = Value(hessian::make_object(sent.arena(), "sofa.interop.Node",
                                                         {{"name", Value::literal("a")}, {"next", Value()}, {"children", Value()}}));
                      const Graph<Value> back = co_await or_return(s.echo_object(sent));
                      const bool ok =
                          back->object() != nullptr && back->object()->class_name() == "sofa.interop.Node" && back->find("name")->text() == "a";
                      co_return expect_true(ok, "came back as " + hessian::to_text(*back));
                    }});
  checks.push_back({"echoObject.null", [&s]() -> Task<Result<void>> {
                      const Graph<Value> back = co_await or_return(s.echo_object(Graph<Value>::make()));
                      co_return expect_true(!back || back->is_null(), "null did not come back");
                    }});
}

void add_node_checks(const InteropService& s, std::vector<Check>& checks) {
  checks.push_back({"echoNode.cycle", [&s]() -> Task<Result<void>> {
                      auto a = Graph<Node>::make();
                      Node* b = a.arena().make<Node>();
                      a->name = "a";
                      a->next = b;
                      a->children = std::vector<Link<Node>>{a.get(), b, b};
                      b->name = "b";
                      b->next = a.get();
                      const Graph<Node> back = co_await or_return(s.echo_node(a));
                      const bool shape = back->next && back->next->next.get() == back.get() && back->children && back->children->size() == 3 &&
                                         (*back->children)[0].get() == back.get() && (*back->children)[1] == back->next &&
                                         (*back->children)[2] == back->next;
                      co_return expect_true(shape && back->name == "a" && back->next->name == "b", "the shape was not kept");
                    }});
  checks.push_back({"echoNode.null", [&s]() -> Task<Result<void>> {
                      const Graph<Node> back = co_await or_return(s.echo_node(Graph<Node>()));
                      co_return expect_true(!back, "null did not come back");
                    }});
}

}  // namespace

void add_object_checks(Peer& peer, std::vector<Check>& checks) {
  add_user_checks(*peer.service, checks);
  add_dynamic_checks(*peer.service, checks);
  add_node_checks(*peer.service, checks);
}

}  // namespace interop
