// Checks of each kind of Java parameter, called from C++.

#include "client_checks.h"

namespace interop {

namespace {

/// A check that sends a value and expects the same back.
template <class T>
void echoes(std::vector<Check>& checks, std::string name, const rpc::Method<T(T)>& method, std::type_identity_t<std::vector<T>> values) {
  checks.push_back({std::move(name), [&method, values]() -> Task<Result<void>> {
                      for (size_t i = 0; i < values.size(); ++i) {
                        const T back = co_await or_return(method(values[i]));
                        if (!(back == values[i])) co_return sofa::fail(Code::data_loss, "value {} came back as another", i);
                      }
                      co_return Result<void>();
                    }});
}

/// A check that calls a method once and compares the result.
template <class R, class... Args, class... Values>
void gives(std::vector<Check>& checks, std::string name, const rpc::Method<R(Args...)>& method, std::type_identity_t<R> expected,
           Values... arguments) {
  checks.push_back({std::move(name), [&method, expected, ... kept = Args(arguments)]() -> Task<Result<void>> {
                      const R got = co_await or_return(method(kept...));
                      co_return expect_equal(expected, got);
                    }});
}

void scalars(const ExtraService& s, std::vector<Check>& checks) {
  gives(checks, "extra.boolean", s.negate, false, true);
  gives(checks, "extra.float", s.half_float, 1.1f / 2.0, 1.1f);
  gives(checks, "extra.byte", s.next_byte, -127, int8_t{-128});
  gives(checks, "extra.short", s.next_short, 32768, int16_t{32767});
  gives(checks, "extra.char", s.char_name, "char 中", "中");
  echoes(checks, "extra.boxed_boolean", s.boxed_boolean, {true, false, std::nullopt});
  echoes(checks, "extra.boxed_integer", s.boxed_integer, {INT32_MIN, 0, std::nullopt});
  echoes(checks, "extra.boxed_long", s.boxed_long, {int64_t{1} << 40, int64_t{5}, std::nullopt});
  echoes(checks, "extra.boxed_double", s.boxed_double, {0.1, 0.0, std::nullopt});
  gives(checks, "extra.boxed_names", s.boxed_names, "-128 32767 0.5 x", int8_t{-128}, int16_t{32767}, 0.5f, "x");
  gives(checks, "extra.boxed_nulls", s.boxed_names, "null null null null", std::nullopt, std::nullopt, std::nullopt, std::nullopt);
}

void containers(const ExtraService& s, std::vector<Check>& checks) {
  checks.push_back({"extra.booleans", [&s]() -> Task<Result<void>> {
                      auto sent = Graph<Value>::make();
                      hessian::List* list = hessian::make_list(sent.arena(), "[boolean");
                      list->push(Value(true));
                      list->push(Value(false));
                      *sent = Value(list);
                      const auto back = co_await or_return(s.booleans(sent));
                      co_return expect_true(hessian::same_shape(*sent, *back), "came back as " + hessian::to_text(*back));
                    }});
  echoes(checks, "extra.shorts", s.shorts, {Array<int16_t>{{1, -1, 32767}}, std::nullopt});
  echoes(checks, "extra.ints", s.ints, {Array<int32_t>{{1, INT32_MIN}}, Array<int32_t>{}, std::nullopt});
  echoes(checks, "extra.longs", s.longs, {Array<int64_t>{{1, INT64_MIN}}});
  echoes(checks, "extra.floats", s.floats, {Array<float>{{0.5f, 1.1f}}});
  echoes(checks, "extra.doubles", s.doubles, {Array<double>{{0.5, 1e300}}});
  echoes(checks, "extra.chars", s.chars, {"a中z", "", std::nullopt});
  echoes(checks, "extra.integers", s.integers, {Array<std::optional<int32_t>>{{1, std::nullopt, 3}}, std::nullopt});
  echoes(checks, "extra.levels", s.levels, {Array<std::optional<Level>>{{Level::gold, std::nullopt}}});
  echoes(checks, "extra.grid", s.grid, {{{Array<int32_t>{{1, 2}}, Array<int32_t>{}, std::nullopt, Array<int32_t>{{3}}}}});
  echoes(checks, "extra.list", s.list, {std::vector<Text>{"a", std::nullopt, "c"}, std::vector<Text>{}, std::nullopt});
  echoes(checks, "extra.byte_list", s.byte_list, {{1, -2}});
  echoes(checks, "extra.array_list", s.array_list, {{"a"}});
  echoes(checks, "extra.hash_map", s.hash_map, {{{"a", 1}, {"b", 2}}, {}});
  echoes(checks, "extra.by_level", s.by_level, {{{Level::gold, 3}, {Level::bronze, 1}}});
  echoes(checks, "extra.by_number", s.by_number, {{{7, "seven"}}});
  gives(checks, "extra.set", s.set_size, 2, std::vector<Text>{"a", "b"});
  gives(checks, "extra.collection", s.collection_size, 3, std::vector<Text>{"a", "b", "a"});
  checks.push_back({"extra.users", [&s]() -> Task<Result<void>> {
                      auto sent = ExtraService::UserArray::make();
                      User* one = make_user(sent.arena(), 1, nullptr);
                      sent->items = {one, nullptr, one};
                      const auto back = co_await or_return(s.users(sent));
                      if (!back || back->items.size() != 3) co_return sofa::fail(Code::data_loss, "another number of users came");
                      co_await or_return(expect_user(*one, back->items[0].get()));
                      co_return expect_true(!back->items[1] && back->items[2] == back->items[0], "the shared user came as two");
                    }});
  checks.push_back({"extra.users_by_team", [&s]() -> Task<Result<void>> {
                      auto sent = ExtraService::Teams::make();
                      User* shared = make_user(sent.arena(), 3, nullptr);
                      (*sent)["x"] = std::vector<Link<User>>{shared, make_user(sent.arena(), 4, shared)};
                      (*sent)["y"] = std::vector<Link<User>>{shared};
                      (*sent)["z"] = std::nullopt;
                      const auto back = co_await or_return(s.users_by_team(sent));
                      if (!back || back->size() != 3 || back->at("z")) co_return sofa::fail(Code::data_loss, "other teams came");
                      const std::vector<Link<User>>& x = *back->at("x");
                      co_await or_return(expect_user(*shared, x.at(0).get()));
                      co_return expect_true(x.at(1)->manager == x[0] && back->at("y")->at(0) == x[0], "the shared user came as several");
                    }});
}

void classes(const ExtraService& s, std::vector<Check>& checks) {
  echoes(checks, "extra.date", s.date, {hessian::Timestamp{-5}, std::nullopt});
  echoes(checks, "extra.decimal", s.decimal, {{"-0.0010"}});
  echoes(checks, "extra.big_integer", s.big_integer, {*hessian::BigInteger::parse("-123456789012345678901234567890"), hessian::BigInteger::of(0)});
  echoes(checks, "extra.uuid", s.uuid, {*hessian::Uuid::parse("0123cdef-89ab-4def-8123-0123456789ab")});
  echoes(checks, "extra.local_date", s.local_date, {{2024, 2, 29}});
  echoes(checks, "extra.local_time", s.local_time, {{23, 59, 58, 7}});
  echoes(checks, "extra.instant", s.instant, {{-1, 5}});
  Inner inner;
  inner.name = "n";
  inner.color = Color::red;
  inner.ratio = 0.1f;
  inner.letter = "中";
  inner.small = -7;
  inner.medium = 3000;
  inner.numbers = Array<int64_t>{{1, int64_t{1} << 40}};
  inner.counts.emplace().push_back({{"a", 1}});
  echoes(checks, "extra.nested_class", s.inner, {inner, std::nullopt});
  checks.push_back({"extra.nested_enum", [&s]() -> Task<Result<void>> {
                      const Color green = co_await or_return(s.next_color(Color::red));
                      co_return expect_true(green == Color::green, "it is not GREEN");
                    }});
  checks.push_back({"extra.subclass", [&s]() -> Task<Result<void>> {
                      auto sent = Graph<Value>::make();
                      *sent = Value(hessian::make_object(sent.arena(), "sofa.interop.ExtraService$Employee",
                                                         {{"id", Value(int64_t{5})}, {"desk", Value::literal("d4")}}));
                      const auto back = co_await or_return(s.poly(sent));
                      co_return expect_true(back->object() != nullptr && back->object()->class_name() == "sofa.interop.ExtraService$Employee" &&
                                                back->find("desk")->text() == "d4",
                                            "came back as " + hessian::to_text(*back));
                    }});
}

void calls(const ExtraService& s, std::vector<Check>& checks) {
  gives(checks, "extra.which.int", s.which_int, "int", 1);
  gives(checks, "extra.which.long", s.which_long, "long", 1);
  gives(checks, "extra.which.Integer", s.which_integer, "Integer", 1);
  gives(checks, "extra.which.String", s.which_string, "String", "s");
  gives(checks, "extra.which.Object", s.which_object, "Object", ExtraService::AnyValue::make(Value(int32_t{1})));
  gives(checks, "extra.which.ints", s.which_ints, "int[]", Array<int32_t>{{1}});
  gives(checks, "extra.which.List", s.which_list, "List", std::vector<Text>{"a"});
  gives(checks, "extra.which.Strings", s.which_strings, "String[]", Array<Text>{{"a"}});
  gives(checks, "extra.eight_arguments", s.eight, "1 2 0.5 true e GOLD [g, h] 3", 1, 2, 0.5, true, "e", Level::gold,
        std::vector<std::string>{"g", "h"}, Bytes::literal("\1\2\3"));
  for (const char* name : {"java.lang.NullPointerException", "java.io.IOException", "java.util.concurrent.TimeoutException", "java.lang.Exception"}) {
    checks.push_back({fmt::format("extra.fail.{}", name), [&s, name]() -> Task<Result<void>> {
                        const auto got = co_await s.fail_with(name);
                        co_return expect_thrown(got, name, fmt::format("boom {}", name));
                      }});
  }
  checks.push_back({"extra.fail.class_that_the_client_lacks", [&s]() -> Task<Result<void>> {
                      const std::string name(kOverdrawn);
                      const auto got = co_await s.fail_with(name);
                      co_await or_return(expect_thrown(got, name, "boom " + name));
                      const Value* account = got.error().detail<rpc::JavaException>()->field("account");
                      const bool whole = account != nullptr && account->object() != nullptr &&
                                         account->object()->class_name() == "sofa.interop.OverdrawnException$Account" &&
                                         account->find("cents")->integer() == -250;
                      co_return expect_true(whole, "its field came as " + (account == nullptr ? "nothing" : hessian::to_text(*account)));
                    }});
  checks.push_back({"extra.caller", [&s]() -> Task<Result<void>> {
                      const std::string first = co_await or_return(s.caller());
                      const std::string second = co_await or_return(s.caller());
                      co_return expect_true(first == second && first.starts_with("127.0.0.1:"), first + " and " + second);
                    }});
}

}  // namespace

void add_idle_check(Peer& peer, sofa::Duration rest, std::vector<Check>& checks) {
  checks.push_back({"idle", [&peer, rest]() -> Task<Result<void>> {
                      const std::string before = co_await or_return(peer.extra->caller());
                      co_await or_return(sofa::io::sleep_for(rest));
                      const std::string after = co_await or_return(peer.extra->caller());
                      co_return expect_true(before != after, "the server did not close the connection of " + before);
                    }});
}

void add_extra_checks(Peer& peer, std::vector<Check>& checks) {
  scalars(*peer.extra, checks);
  containers(*peer.extra, checks);
  classes(*peer.extra, checks);
  calls(*peer.extra, checks);
}

}  // namespace interop
