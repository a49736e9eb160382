#pragma once
// The named checks that interop-client runs, and how it reports them.

#include <functional>
#include <string>
#include <vector>

#include "extra_api.h"
#include "json_api.h"
#include "sofa/rpc/client.h"

namespace interop {

using sofa::Code;
using sofa::rpc::or_return;
using sofa::rpc::Task;

/// What the checks talk to.
struct Peer {
  std::string target;
  std::optional<sofa::io::TlsClientConfig> tls;  // none: plain
  std::shared_ptr<InteropService> service;
  std::shared_ptr<InteropService> blue;
  std::shared_ptr<InteropPbService> protobuf;
  std::shared_ptr<JsonService> json;
  std::shared_ptr<ExtraService> extra;
  std::shared_ptr<rpc::GenericClient> generic;
};

struct Check {
  std::string name;
  std::function<Task<Result<void>>()> run;
};

/// An error with a sentence unless both are equal.
template <class A, class B>
Result<void> expect_equal(const A& expected, const B& got) {
  if (expected == got) return {};
  if constexpr (fmt::is_formattable<A>::value && fmt::is_formattable<B>::value) {
    return sofa::fail(Code::data_loss, "expected {:.60}, got {:.60}", fmt::format("{}", expected), fmt::format("{}", got));
  } else {
    return sofa::fail(Code::data_loss, "the answer is not what was expected");
  }
}
inline Result<void> expect_true(bool ok, std::string_view what) {
  if (ok) return {};
  return sofa::fail(Code::data_loss, "{}", what);
}
/// The users must be the same in all but the manager; attrs.n of `got` is of this kind.
Result<void> expect_user(const User& expected, const User* got, hessian::ValueKind n = hessian::ValueKind::int64);

/// The error of a call (null: there was none) must carry this Java class and, unless it is empty, message.
Result<void> expect_thrown(const sofa::Error* error, std::string_view class_name, std::string_view message);
template <class T>
Result<void> expect_thrown(const Result<T>& got, std::string_view class_name, std::string_view message) {
  return expect_thrown(got ? nullptr : &got.error(), class_name, message);
}

void add_value_checks(Peer& peer, std::vector<Check>& checks);
void add_object_checks(Peer& peer, std::vector<Check>& checks);
void add_call_checks(Peer& peer, std::vector<Check>& checks);
void add_json_checks(Peer& peer, std::vector<Check>& checks);
/// After a rest, in which the server closes the connection, the next call goes over another one.
void add_idle_check(Peer& peer, sofa::Duration rest, std::vector<Check>& checks);
void add_extra_checks(Peer& peer, std::vector<Check>& checks);

}  // namespace interop
