// The contract over SOFARPC's http, h2c and h2: on our server, and on SOFARPC's Java server, which serves no interface with overloads there.

#include "client_checks.h"

namespace interop {

namespace {

using hessian::Value;

void hessian_values(const JsonService& s, std::vector<Check>& checks) {
  checks.push_back({"http.hessian.texts", [&s]() -> Task<Result<void>> {
                      for (const Text& text : std::vector<Text>{"", "中文 a😀b", {}, letters(size_t{3} << 20)}) {
                        const Text back = co_await or_return(s.echo(text));
                        co_await or_return(expect_true(back == text, "another text came back"));
                      }
                      co_return expect_equal(std::string("hello a,hello a"), co_await or_return(s.hello("a", 2)));
                    }});
  checks.push_back({"http.hessian.numbers", [&s]() -> Task<Result<void>> {
                      co_await or_return(expect_equal(INT32_MIN, co_await or_return(s.add(INT32_MAX, 1))));
                      co_await or_return(expect_equal(INT64_MAX, co_await or_return(s.add_long(std::nullopt, INT64_MAX))));
                      co_await or_return(expect_equal(6, co_await or_return(s.sum({{1, 2, 3}}))));
                      const auto level = co_await or_return(s.next_level(Level::bronze));
                      co_return expect_true(level == Level::silver, "the level is wrong");
                    }});
  checks.push_back({"http.hessian.users", [&s]() -> Task<Result<void>> {
                      Graph<User> user;
                      user.set_root(make_user(user.arena(), 41, nullptr));
                      Graph<User> next = co_await or_return(s.put_user(user));
                      co_await or_return(expect_true(next->id == 42, "the id is wrong"));
                      next->id = 41;
                      co_await or_return(expect_user(*user, &*next));
                      const Users all = co_await or_return(s.list_users(3));
                      co_return expect_true(all->size() == 3 && (*all)[0]->manager.get() == (*all)[2]->manager.get(),
                                            "three users do not share one manager");
                    }});
}

void kinds_of_calls(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"http.protobuf", [&peer]() -> Task<Result<void>> {
                      sofa::interop::pb::EchoRequest request;
                      request.set_text("中文");
                      const auto got = co_await or_return(peer.protobuf->echo(request));
                      co_return expect_true(got.text() == "中文", got.ShortDebugString());
                    }});
  checks.push_back({"http.generic", [&peer]() -> Task<Result<void>> {
                      auto client = co_await or_return(rpc::GenericClient::connect(peer.target, "sofa.interop.JsonService", {.tls = peer.tls}));
                      const auto sum = co_await or_return(client->invoke("add", {"int", "int"}, {Value(int32_t{40}), Value(int32_t{2})}));
                      co_return expect_equal(int64_t{42}, sum->integer());
                    }});
}

void errors(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"http.exception", [&peer]() -> Task<Result<void>> {
                      co_await or_return(expect_thrown(co_await peer.by_hessian->fail("runtime"), "java.lang.RuntimeException", "boom runtime"));
                      co_return expect_thrown(co_await peer.by_hessian->fail("checked"), "sofa.interop.InteropException", "boom checked");
                    }});
  checks.push_back({"http.no_such_service", [&peer]() -> Task<Result<void>> {
                      auto nobody = co_await or_return(rpc::connect<JsonService>(peer.target, {.unique_id = "nobody", .tls = peer.tls}));
                      const auto got = co_await nobody->echo("x");
                      co_return expect_error(got, Code::not_found);
                    }});
  checks.push_back({"http.no_such_method", [&peer]() -> Task<Result<void>> {
                      auto client = co_await or_return(rpc::GenericClient::connect(peer.target, "sofa.interop.JsonService", {.tls = peer.tls}));
                      const auto got = co_await client->invoke("missing", {}, {});
                      co_return expect_true(!got && (got.error().code() == Code::unimplemented || got.error().code() == Code::not_found),
                                            got ? "it was answered" : got.error().to_string());
                    }});
}

}  // namespace

void add_http_checks(Peer& peer, std::vector<Check>& checks) {
  hessian_values(*peer.by_hessian, checks);
  kinds_of_calls(peer, checks);
  errors(peer, checks);
  add_json_checks(peer, checks);
  if (peer.target.find("language=java") == std::string::npos) {
    add_value_checks(peer, checks);
    add_object_checks(peer, checks);
    add_call_kind_checks(peer, checks);
  } else {
    std::erase_if(checks, [](const Check& check) { return check.name == "json.missing"; });  // its text leaves the version out
  }
}

}  // namespace interop
