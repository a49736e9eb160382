// Checks of serializer 12.

#include <algorithm>

#include "client_checks.h"
#include "sofa/base/json.h"

namespace interop {

namespace {

using namespace std::chrono_literals;

void json_values(const JsonService& s, std::vector<Check>& checks) {
  checks.push_back({"json.echo", [&s]() -> Task<Result<void>> {
                      for (const Text& text :
                           std::vector<Text>{"", "a", "中文 текст", "a😀b", "\b\f\n\r\t\x1f\x7f\"\\/b", "null", "[1]", "{}", " ", {}}) {
                        const Text back = co_await or_return(s.echo(text));
                        if (back != text) co_return sofa::fail(Code::data_loss, "'{}' came as '{}'", text.value_or("null"), back.value_or("null"));
                      }
                      const std::string large = letters(size_t{1} << 20);
                      const Text back = co_await or_return(s.echo(large));
                      co_return expect_true(back == large, "1 MiB did not come back");
                    }});
  checks.push_back({"json.hello", [&s]() -> Task<Result<void>> {
                      const std::string got = co_await or_return(s.hello("a,b],[\"\\", 2));
                      co_return expect_equal("hello a,b],[\"\\,hello a,b],[\"\\", got);
                    }});
  checks.push_back({"json.numbers", [&s]() -> Task<Result<void>> {
                      for (const int32_t a : {0, -1, INT32_MIN, INT32_MAX - 1}) {
                        const int32_t sum = co_await or_return(s.add(a, 1));
                        co_await or_return(expect_equal(a + 1, sum));
                      }
                      for (const int64_t b : {int64_t{0}, int64_t{1} << 53, INT64_MIN, INT64_MAX}) {
                        const int64_t sum = co_await or_return(s.add_long(std::nullopt, b));
                        co_await or_return(expect_equal(b, sum));
                      }
                      for (const double d : {0.0, -0.5, 0.1, 1e300, 1e-300, 123456789.125}) {
                        const double half = co_await or_return(s.half(d));
                        co_await or_return(expect_equal(d / 2, half));
                      }
                      const double infinite = co_await or_return(s.half(-std::numeric_limits<double>::infinity()));
                      co_await or_return(expect_equal(-std::numeric_limits<double>::infinity(), infinite));
                      const bool truth = co_await or_return(s.negate(false));
                      co_return expect_true(truth, "not(false) is false");
                    }});
  checks.push_back({"json.no_arguments", [&s]() -> Task<Result<void>> {
                      const Text got = co_await or_return(s.nothing());
                      co_return expect_true(!got, "it is not null");
                    }});
  checks.push_back({"json.level", [&s]() -> Task<Result<void>> {
                      const auto silver = co_await or_return(s.next_level(Level::bronze));
                      const auto none = co_await or_return(s.next_level(std::nullopt));
                      co_return expect_true(silver == Level::silver && !none, "the levels are wrong");
                    }});
}

void json_containers(const JsonService& s, std::vector<Check>& checks) {
  checks.push_back({"json.containers", [&s]() -> Task<Result<void>> {
                      const JsonService::Texts texts = std::vector<Text>{"a", std::nullopt, "c"};
                      const JsonService::Texts expected_texts = std::vector<Text>{"c", std::nullopt, "a"};
                      const auto reversed = co_await or_return(s.reverse(texts));
                      co_await or_return(expect_true(reversed == expected_texts, "the list came wrong"));
                      const auto none = co_await or_return(s.reverse(std::nullopt));
                      co_await or_return(expect_true(!none, "the null list came as something"));
                      JsonService::Counts counts;
                      counts.emplace() = {{"a", 1}, {"", 2}, {"中\"", std::nullopt}};
                      JsonService::Counts more;
                      more.emplace() = {{"a", 2}, {"", 3}, {"中\"", std::nullopt}};
                      const auto counted = co_await or_return(s.counts(counts));
                      co_await or_return(expect_true(counted == more, "the map came wrong"));
                      const int32_t sum = co_await or_return(s.sum(Array<int32_t>{{1, 2, 3}}));
                      co_await or_return(expect_equal(6, sum));
                      const std::optional<Array<Text>> array = Array<Text>{{"a", std::nullopt}};
                      const auto array_back = co_await or_return(s.echo_array(array));
                      co_await or_return(expect_true(array_back == array, "the array came wrong"));
                      const std::optional<Bytes> bytes = Bytes::literal("\x01\xff\x7f\xfe\x02");
                      const auto bytes_back = co_await or_return(s.echo_bytes(bytes));
                      co_return expect_true(bytes_back == bytes, "the bytes came wrong");
                    }});
}

/// A Java server takes every decimal of a JSON request through a double.
bool same_as_doubles(const std::optional<hessian::BigDecimal>& a, const std::optional<hessian::BigDecimal>& b) {
  return a && b && std::strtod(a->value.c_str(), nullptr) == std::strtod(b->value.c_str(), nullptr);
}

/// A JSON number does not tell an int from a long: a dynamic value is an int where the number fits.
Result<void> expect_json_user(User expected, const User* got) {
  if (got != nullptr && same_as_doubles(expected.balance, got->balance)) expected.balance = got->balance;
  const int64_t n = expected.attrs.find("n")->integer();
  const bool fits = n >= INT32_MIN && n <= INT32_MAX;
  return expect_user(expected, got, fits ? hessian::ValueKind::int32 : hessian::ValueKind::int64);
}

void json_users(const JsonService& s, std::vector<Check>& checks) {
  for (const int64_t id : {int64_t{41}, int64_t{0}, int64_t{-102}, int64_t{5'000'000'000}, INT64_MAX, INT64_MIN + 2}) {
    checks.push_back({fmt::format("json.user.{}", id), [&s, id]() -> Task<Result<void>> {
                        Graph<User> sent;
                        sent.set_root(make_user(sent.arena(), id, make_user(sent.arena(), 40, nullptr)));
                        const Graph<User> back = co_await or_return(s.put_user(sent));
                        sent->id = static_cast<int64_t>(static_cast<uint64_t>(id) + 1);  // wraps
                        co_await or_return(expect_json_user(*sent, back.get()));
                        co_return expect_json_user(*sent->manager, back->manager.get());
                      }});
  }
  checks.push_back({"json.user.nulls", [&s]() -> Task<Result<void>> {
                      const auto none = co_await or_return(s.put_user(Graph<User>()));
                      co_await or_return(expect_true(!none, "the null user came as something"));
                      const auto empty = co_await or_return(s.put_user(Graph<User>::make()));
                      co_return expect_true(empty && empty->id == 1 && !empty->name && !empty->rank && !empty->tags && empty->attrs.is_null() &&
                                                !empty->level && !empty->birthday && !empty->balance && !empty->avatar && !empty->manager,
                                            "the empty user came with other fields");
                    }});
  checks.push_back({"json.list_users", [&s]() -> Task<Result<void>> {
                      const Users users = co_await or_return(s.list_users(3));
                      const Users expected = make_users(3);
                      co_await or_return(expect_equal(expected->size(), users->size()));
                      for (size_t i = 0; i < users->size(); ++i) {
                        co_await or_return(expect_json_user(*(*expected)[i], (*users)[i].get()));
                        co_await or_return(expect_json_user(*(*expected)[i]->manager, (*users)[i]->manager.get()));
                      }
                      co_return Result<void>();
                    }});
  checks.push_back({"json.users_by_name", [&s]() -> Task<Result<void>> {
                      const Users users = make_users(2);
                      const auto named = co_await or_return(s.users_by_name(users, "!"));
                      if (named->size() != 2 || !named->contains("user-2!")) co_return sofa::fail(Code::data_loss, "other users came");
                      co_return expect_json_user(*(*users)[1], named->at("user-2!").get());
                    }});
}

void json_fields(const JsonService& s, std::vector<Check>& checks) {
  checks.push_back({"json.dates", [&s]() -> Task<Result<void>> {
                      for (const int64_t ms :
                           {int64_t{0}, int64_t{-1}, int64_t{1'234'567'890'123}, int64_t{-62'135'596'800'000}, INT64_MAX, INT64_MIN}) {
                        auto sent = Graph<User>::make();
                        sent->birthday = hessian::Timestamp{ms};
                        const auto back = co_await or_return(s.put_user(sent));
                        if (back->birthday != sent->birthday) co_return sofa::fail(Code::data_loss, "the date {} came as another", ms);
                      }
                      co_return Result<void>();
                    }});
  checks.push_back({"json.decimals", [&s]() -> Task<Result<void>> {
                      for (const char* decimal : {"0", "0.00", "-0.0010", "1E+3", "1.5E-20", "-12345678901234567890.123456789"}) {
                        auto sent = Graph<User>::make();
                        sent->balance = hessian::BigDecimal{decimal};
                        const auto back = co_await or_return(s.put_user(sent));
                        co_await or_return(expect_true(same_as_doubles(sent->balance, back->balance), fmt::format("{} came as another", decimal)));
                      }
                      co_return Result<void>();
                    }});
  checks.push_back({"json.any_values", [&s]() -> Task<Result<void>> {
                      constexpr std::string_view kText = R"({"t":"中\"","i":-7,"l":5000000000,"b":123456789012345678901234567890,"d":2.5,"y":true,)"
                                                         R"("n":null,"a":[1,[],{}],"m":{"":{"x":["y",null]}}})";
                      auto sent = Graph<User>::make();
                      const auto attrs = co_await or_return(sofa::graph_from_json<hessian::Value>(kText));
                      sent->attrs = *attrs;
                      const auto back = co_await or_return(s.put_user(sent));
                      co_return expect_true(hessian::same_shape(*attrs, back->attrs), "attrs came as " + hessian::to_text(back->attrs));
                    }});
}

void json_errors(Peer& peer, std::vector<Check>& checks) {
  for (const auto& [kind, message] : {std::pair("runtime", "boom runtime"), {"illegal", "boom illegal"}, {"checked", "boom checked"}}) {
    checks.push_back({fmt::format("json.fail.{}", kind), [&peer, kind, message]() -> Task<Result<void>> {
                        const auto got = co_await peer.json->fail(kind);
                        co_return expect_true(!got && got.error().message().find(message) != std::string_view::npos,
                                              got ? "nothing was thrown" : fmt::format("{}", got.error()));
                      }});
  }
  checks.push_back({"json.timeout", [&peer]() -> Task<Result<void>> {
                      const auto got = co_await peer.json->sleep.with({.timeout = 100ms})(600);
                      co_return expect_true(!got && got.error().code() == Code::deadline_exceeded, "it did not time out");
                    }});
  checks.push_back({"json.missing", [&peer]() -> Task<Result<void>> {
                      auto nobody = co_await or_return(
                          rpc::connect<JsonService>(peer.target, {.unique_id = "nobody", .codec = sofa::bolt::kCodecJson, .tls = peer.tls}));
                      const auto got = co_await nobody->echo("x");
                      co_return expect_true(!got && got.error().message().find("JsonService:1.0:nobody") != std::string_view::npos,
                                            got ? "it was answered" : fmt::format("the text names nothing: {}", got.error()));
                    }});
}

}  // namespace

void add_json_checks(Peer& peer, std::vector<Check>& checks) {
  json_values(*peer.json, checks);
  json_containers(*peer.json, checks);
  json_users(*peer.json, checks);
  json_fields(*peer.json, checks);
  json_errors(peer, checks);
}

}  // namespace interop
