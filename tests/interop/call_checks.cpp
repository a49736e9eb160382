// Checks of how calls end: exceptions, timeouts, oneway, baggage, generic calls, protobuf, many callers.

#include "client_checks.h"
#include "sofa/io/task_group.h"

namespace interop {

namespace {

using hessian::Value;
using namespace std::chrono_literals;

void missing_things(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"no_such_unique_id", [&peer]() -> Task<Result<void>> {
                      auto nobody = co_await or_return(rpc::connect<InteropService>(peer.target, {.unique_id = "nobody", .tls = peer.tls}));
                      const auto got = co_await nobody->echo("x");
                      if (got) co_return sofa::fail(Code::data_loss, "it was answered");
                      co_return expect_true(got.error().message().find("sofa.interop.InteropService:1.0:nobody") != std::string_view::npos,
                                            fmt::format("the text names nothing: {}", got.error()));
                    }});
  checks.push_back({"no_such_method", [&peer]() -> Task<Result<void>> {
                      const auto got = co_await peer.generic->invoke("missing", {"java.lang.String"}, {Value::literal("x")});
                      if (got) co_return sofa::fail(Code::data_loss, "it was answered");
                      co_return expect_true(got.error().message().find("missing") != std::string_view::npos,
                                            fmt::format("the text names nothing: {}", got.error()));
                    }});
}

void call_kinds(const InteropService& s, std::vector<Check>& checks) {
  checks.push_back({"timeout", [&s]() -> Task<Result<void>> {
                      const auto got = co_await s.sleep.with({.timeout = 100ms})(600);
                      if (got) co_return sofa::fail(Code::data_loss, "it was answered in time");
                      co_return expect_true(
                          got.error().code() == Code::deadline_exceeded && got.error().message().find("within 1") != std::string_view::npos,
                          fmt::format("{}", got.error()));
                    }});
  checks.push_back({"timeout.connection_lives", [&s]() -> Task<Result<void>> {
                      const auto late = co_await s.sleep.with({.timeout = 50ms})(100);
                      const Text alive = co_await or_return(s.echo("alive"));
                      co_return expect_true(!late && alive == "alive", "the connection did not live on");
                    }});
  checks.push_back({"oneway", [&s]() -> Task<Result<void>> {
                      const std::string value = fmt::format("v{}", std::chrono::steady_clock::now().time_since_epoch().count());
                      co_await or_return(s.note.oneway("oneway", value));
                      for (int i = 0; i < 100; ++i) {
                        const Text got = co_await or_return(s.recall("oneway"));
                        if (got == value) co_return Result<void>();
                        co_await or_return(sofa::io::sleep_for(10ms));
                      }
                      co_return sofa::fail(Code::data_loss, "the note did not arrive within 1 s");
                    }});
  checks.push_back({"recall.null", [&s]() -> Task<Result<void>> {
                      const Text got = co_await or_return(s.recall("never noted"));
                      co_return expect_true(!got, "it is not null");
                    }});
}

void baggage(const InteropService& s, std::vector<Check>& checks) {
  checks.push_back({"baggage", [&s]() -> Task<Result<void>> {
                      rpc::CallResponse response;
                      const Text got = co_await or_return(s.baggage.with({.baggage = {{"color", "blue"}}, .response = &response})("color"));
                      const std::string* answer = rpc::find_in(response.baggage, "answer");
                      co_return expect_true(got == "blue" && answer != nullptr && *answer == "got-blue", "the baggage did not travel both ways");
                    }});
}

void generic_calls(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"generic.plain", [&peer]() -> Task<Result<void>> {
                      const auto got = co_await or_return(
                          peer.generic->invoke("hello", {"java.lang.String"}, {Value::literal("gen")}, {}, rpc::GenericKind::plain));
                      co_return expect_equal(std::string_view("hello gen"), got->text());
                    }});
  checks.push_back({"generic.overload", [&peer]() -> Task<Result<void>> {
                      const auto got =
                          co_await or_return(peer.generic->invoke("hello", {"java.lang.String", "int"}, {Value::literal("g"), Value(int32_t{2})}));
                      co_return expect_equal(std::string_view("hello g,hello g"), got->text());
                    }});
  checks.push_back({"generic.object", [&peer]() -> Task<Result<void>> {
                      sofa::Arena arena;
                      const Value user(hessian::make_object(arena, "sofa.interop.User", {{"id", Value(int64_t{9})}, {"name", Value::literal("g")}}));
                      const auto got = co_await or_return(peer.generic->invoke("putUser", {"sofa.interop.User"}, {user}));
                      const bool ok =
                          got->object() != nullptr && got->object()->class_name() == "sofa.interop.User" && got->find("id")->integer() == 10;
                      co_return expect_true(ok, "came back as " + hessian::to_text(*got));
                    }});
  checks.push_back({"generic.array_in_source_style", [&peer]() -> Task<Result<void>> {
                      sofa::Arena arena;
                      hessian::List* list = hessian::make_list(arena, "[string");
                      list->push(Value::literal("a"));
                      list->push(Value());
                      const auto got = co_await or_return(peer.generic->invoke("echoArray", {"java.lang.String[]"}, {Value(list)}));
                      co_return expect_true(got->list() != nullptr && got->list()->size() == 2, "came back as " + hessian::to_text(*got));
                    }});
}

void protobuf_calls(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"protobuf", [&peer]() -> Task<Result<void>> {
                      sofa::interop::pb::EchoRequest request;
                      request.set_text("hi");
                      request.set_blob(std::string("\0\1", 2));
                      (*request.mutable_attrs())["k"] = "v";
                      const auto got = co_await or_return(peer.protobuf->echo(request));
                      co_return expect_true(got.text() == "hi" && got.blob() == request.blob() && got.attrs().at("k") == "v", got.ShortDebugString());
                    }});
  checks.push_back({"protobuf.exception", [&peer]() -> Task<Result<void>> {
                      sofa::interop::pb::EchoRequest request;
                      request.set_text("x");
                      request.set_fail("pb");
                      const auto got = co_await peer.protobuf->echo(request);
                      co_return expect_true(!got && got.error().message().find("boom pb") != std::string_view::npos, "'boom pb' did not come");
                    }});
}

Task<Result<void>> caller(const InteropService& s, int number) {
  for (int i = 0; i < 20; ++i) {
    const std::string text = fmt::format("caller {} call {}", number, i);
    const Text got = co_await or_return(s.echo(text));
    co_await or_return(expect_true(got == text, "an answer went to another caller"));
  }
  co_return Result<void>();
}

}  // namespace

void add_exception_checks(Peer& peer, std::vector<Check>& checks) {
  const InteropService& s = *peer.service;
  const std::tuple<const char*, const char*, const char*> kinds[] = {{"runtime", "java.lang.RuntimeException", "boom runtime"},
                                                                     {"illegal", "java.lang.IllegalArgumentException", "boom illegal"},
                                                                     {"cause", "java.lang.IllegalStateException", "boom outer"},
                                                                     {"other", "java.lang.UnsupportedOperationException", ""}};
  for (const auto& [kind, class_name, message] : kinds) {
    checks.push_back({fmt::format("fail.{}", kind), [&s, kind, class_name, message]() -> Task<Result<void>> {
                        const auto got = co_await s.fail(kind);
                        co_return expect_thrown(got, class_name, message);
                      }});
  }
  checks.push_back({"fail.checked", [&s]() -> Task<Result<void>> {
                      const auto got = co_await s.fail("checked");
                      co_await or_return(expect_thrown(got, "sofa.interop.InteropException", "boom checked"));
                      const Value* code = got.error().detail<rpc::JavaException>()->field("code");
                      co_return expect_true(code != nullptr && code->integer() == 42, "the field code is not 42");
                    }});
}

void add_call_checks(Peer& peer, std::vector<Check>& checks) {
  add_exception_checks(peer, checks);
  add_call_kind_checks(peer, checks);
  missing_things(peer, checks);
  baggage(*peer.service, checks);
  generic_calls(peer, checks);
  protobuf_calls(peer, checks);
}

void add_call_kind_checks(Peer& peer, std::vector<Check>& checks) {
  const InteropService& s = *peer.service;
  call_kinds(s, checks);
  checks.push_back({"64_callers_on_one_connection", [&s]() -> Task<Result<void>> {
                      sofa::io::TaskGroup callers(co_await sofa::io::current_scope());
                      for (int i = 0; i < 64; ++i) callers.spawn("caller", caller(s, i));
                      co_return co_await callers.join();
                    }});
  checks.push_back({"sleep_does_not_block_others", [&s]() -> Task<Result<void>> {
                      sofa::io::TaskGroup slow(co_await sofa::io::current_scope());
                      slow.spawn("sleep", [](const InteropService& service) -> Task<Result<void>> {
                        co_await or_return(service.sleep(300));
                        co_return Result<void>();
                      }(s));
                      const auto begun = std::chrono::steady_clock::now();
                      co_await or_return(s.ping());
                      const auto took = std::chrono::steady_clock::now() - begun;
                      const auto ended = co_await slow.join();
                      if (!ended) co_return ended;
                      co_return expect_true(took < 200ms, "ping waited for sleep");
                    }});
}

}  // namespace interop
