// Checks of serializer 12.

#include <algorithm>

#include "client_checks.h"

namespace interop {

namespace {

using namespace std::chrono_literals;

bool same_user(const JsonUser& a, const JsonUser& b) {
  return a.id == b.id && a.name == b.name && a.age == b.age && a.vip == b.vip && a.score == b.score && a.rank == b.rank && a.tags == b.tags &&
         a.attrs == b.attrs && a.level == b.level && a.birthday == b.birthday && a.balance == b.balance && a.avatar == b.avatar;
}

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
  checks.push_back({"json.users", [&s]() -> Task<Result<void>> {
                      const auto user = std::make_shared<JsonUser>(make_json_user(41, std::make_shared<JsonUser>(make_json_user(40, nullptr))));
                      const auto back = co_await or_return(s.put_user(user));
                      JsonUser expected = *user;
                      expected.id = 42;
                      co_await or_return(expect_true(back && same_user(expected, *back), "user 41 came with other fields"));
                      co_await or_return(
                          expect_true(back->manager && same_user(*user->manager, *back->manager), "its manager came with other fields"));
                      const auto none = co_await or_return(s.put_user(nullptr));
                      co_await or_return(expect_true(!none, "the null user came as something"));
                      const auto empty = co_await or_return(s.put_user(std::make_shared<JsonUser>()));
                      expected = JsonUser();
                      expected.id = 1;
                      co_await or_return(expect_true(empty && same_user(expected, *empty), "the empty user came with other fields"));
                      const auto named = co_await or_return(s.users_by_name({*user, make_json_user(2, nullptr)}, "!"));
                      co_return expect_true(named.size() == 2 && same_user(*user, named.at("user-41!")), "the users by name came wrong");
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
                      auto nobody =
                          co_await or_return(rpc::connect<JsonService>(peer.target, {.unique_id = "nobody", .codec = sofa::bolt::kCodecJson}));
                      const auto got = co_await nobody->echo("x");
                      co_return expect_true(!got && got.error().message().find("JsonService:1.0:nobody") != std::string_view::npos,
                                            got ? "it was answered" : fmt::format("the text names nothing: {}", got.error()));
                    }});
}

}  // namespace

void add_json_checks(Peer& peer, std::vector<Check>& checks) {
  json_values(*peer.json, checks);
  json_containers(*peer.json, checks);
  json_errors(peer, checks);
}

}  // namespace interop
