// The contract over Dubbo 2 (section 5), on Dubbo's Java server and on ours.

#include "client_checks.h"

namespace interop {

namespace {

using hessian::Value;
using namespace std::chrono_literals;

void attachments(const DubboInteropService& s, std::vector<Check>& checks) {
  checks.push_back({"attachment", [&s]() -> Task<Result<void>> {
                      rpc::CallResponse response;
                      const Text got = co_await or_return(s.attachment.with({.baggage = {{"color", "blue"}}, .response = &response})("color"));
                      const std::string* answer = rpc::find_in(response.baggage, "answer");
                      co_return expect_true(got == "blue" && answer != nullptr && *answer == "got", "the attachments did not travel both ways");
                    }});
  checks.push_back({"attachment.none", [&s]() -> Task<Result<void>> {
                      const Text got = co_await or_return(s.attachment("color"));
                      co_return expect_true(!got, "it is not null");
                    }});
}

}  // namespace

void add_generic_checks(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"generic.direct", [&peer]() -> Task<Result<void>> {
                      const auto got =
                          co_await or_return(peer.generic->invoke("hello", {"java.lang.String", "int"}, {Value::literal("g"), Value(int32_t{2})}));
                      co_return expect_equal(std::string_view("hello g,hello g"), got->text());
                    }});
  checks.push_back({"generic.object", [&peer]() -> Task<Result<void>> {
                      sofa::Arena arena;
                      const Value user(hessian::make_object(arena, "sofa.interop.User", {{"id", Value(int64_t{9})}, {"name", Value::literal("g")}}));
                      const auto got = co_await or_return(peer.generic->invoke("putUser", {"sofa.interop.User"}, {user}));
                      const bool ok = got->object() != nullptr && got->find("id")->integer() == 10;
                      co_return expect_true(ok, "came back as " + hessian::to_text(*got));
                    }});
}

void add_generic_map_checks(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"generic.maps", [&peer]() -> Task<Result<void>> {
                      const auto got = co_await or_return(
                          peer.generic->invoke("hello", {"java.lang.String"}, {Value::literal("gen")}, {}, rpc::GenericKind::maps));
                      co_return expect_equal(std::string_view("hello gen"), got->text());
                    }});
  checks.push_back({"generic.maps.user", [&peer]() -> Task<Result<void>> {
                      sofa::Arena arena;
                      hessian::Map* user = hessian::make_map(arena);
                      user->push(Value::literal("class"), Value::literal("sofa.interop.User"));
                      user->push(Value::literal("id"), Value(int64_t{6}));
                      user->push(Value::literal("level"), Value::literal("SILVER"));
                      const auto got =
                          co_await or_return(peer.generic->invoke("putUser", {"sofa.interop.User"}, {Value(user)}, {}, rpc::GenericKind::maps));
                      const Value *id = got->find("id"), *level = got->find("level"), *name = got->find("class");
                      const bool ok = id != nullptr && id->integer() == 7 && level != nullptr && level->text() == "SILVER" && name != nullptr &&
                                      name->text() == "sofa.interop.User";
                      co_return expect_true(ok, "came back as " + hessian::to_text(*got));
                    }});
  checks.push_back({"generic.maps.exception", [&peer]() -> Task<Result<void>> {
                      const auto got =
                          co_await peer.generic->invoke("fail", {"java.lang.String"}, {Value::literal("checked")}, {}, rpc::GenericKind::maps);
                      const auto* thrown = got ? nullptr : got.error().detail<rpc::JavaException>();
                      if (thrown == nullptr) co_return sofa::fail(Code::data_loss, "nothing was thrown");
                      co_await or_return(expect_true(thrown->class_name.ends_with(".dubbo.rpc.service.GenericException"), thrown->class_name));
                      const Value* name = thrown->field("exceptionClass");
                      co_return expect_true(name != nullptr && name->text() == "sofa.interop.InteropException", "it names no class");
                    }});
}

namespace {

void echo_service(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"generic.echo_service", [&peer]() -> Task<Result<void>> {
                      const auto got = co_await or_return(peer.generic->invoke("$echo", {"java.lang.Object"}, {Value::literal("ok")}));
                      co_return expect_equal(std::string_view("ok"), got->text());
                    }});
}

/// A call that had this error (null: none) must have failed because of what it asked for, and have left the connection as it was.
Task<Result<void>> expect_refused(const InteropService& lives, const sofa::Error* error) {
  if (error == nullptr) co_return sofa::fail(Code::data_loss, "it was answered");
  co_await or_return(expect_true(error->code() == Code::invalid_argument || error->code() == Code::not_found, error->to_string()));
  const Text alive = co_await or_return(lives.echo("alive"));
  co_return expect_true(alive == "alive", "the connection did not live on");
}

void missing_things(Peer& peer, std::vector<Check>& checks) {
  checks.push_back({"missing.version", [&peer]() -> Task<Result<void>> {
                      auto nobody = co_await or_return(rpc::connect<DubboInteropService>(peer.target, {.version = "9.9"}));
                      const auto got = co_await nobody->echo("x");
                      co_return co_await expect_refused(*peer.service, got ? nullptr : &got.error());
                    }});
  checks.push_back({"missing.group", [&peer]() -> Task<Result<void>> {
                      auto nobody = co_await or_return(rpc::connect<DubboInteropService>(peer.target, {.unique_id = "nobody"}));
                      const auto got = co_await nobody->echo("x");
                      co_return co_await expect_refused(*peer.service, got ? nullptr : &got.error());
                    }});
  checks.push_back({"missing.method", [&peer]() -> Task<Result<void>> {
                      const auto got = co_await peer.generic->invoke("missing", {"java.lang.String"}, {Value::literal("x")});
                      co_return co_await expect_refused(*peer.service, got ? nullptr : &got.error());
                    }});
}

}  // namespace

Task<Result<Peer>> connect_dubbo(std::string target) {
  const rpc::ClientOptions options{.app = "interop-client", .timeout = 20s, .connect_timeout = 10s, .max_frame = size_t{64} << 20};
  rpc::ClientOptions blue = options;
  blue.unique_id = "blue";
  Peer peer;
  peer.target = target;
  peer.service = peer.dubbo = co_await or_return(rpc::connect<DubboInteropService>(target, options));
  peer.blue = co_await or_return(rpc::connect<DubboInteropService>(target, blue));
  peer.generic = co_await or_return(rpc::GenericClient::connect(target, std::string(DubboInteropService::kName), options));
  co_return peer;
}

void add_dubbo_checks(Peer& peer, std::vector<Check>& checks) {
  add_value_checks(peer, checks);
  add_object_checks(peer, checks);
  add_exception_checks(peer, checks);
  add_call_kind_checks(peer, checks);
  attachments(*peer.dubbo, checks);
  add_generic_checks(peer, checks);
  add_generic_map_checks(peer, checks);
  echo_service(peer, checks);
  missing_things(peer, checks);
}

}  // namespace interop
