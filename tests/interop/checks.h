#pragma once
// Named checks of a client program: what they say of a value, and how they are run and reported.

#include <functional>
#include <string>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/io/shard.h"

namespace interop {

using sofa::Code;
using sofa::Result;
using sofa::io::or_return;
using sofa::io::Task;

struct Check {
  std::string name;
  std::function<Task<Result<void>>()> run;
};

/// Runs them in order; prints `ok name` or `FAIL name: why` for each and `N passed, M failed`. The exit code: 0 when none failed, else 1.
Task<int> run_checks(std::vector<Check> checks);

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
/// An error unless the call has failed with this code and a sentence that holds the message.
template <class T>
Result<void> expect_error(const Result<T>& got, Code code, std::string_view message = {}) {
  if (!got && got.error().code() == code && got.error().to_string().find(message) != std::string::npos) return {};
  return sofa::fail(Code::data_loss, "expected {} '{}', got {}", sofa::to_string(code), message, got ? "an answer" : got.error().to_string());
}
/// What a wait becomes whose caller has enough.
template <class T>
Task<Result<void>> expect_cancelled(Task<Result<T>> wait) {
  sofa::io::Scope scope(&co_await sofa::io::current_scope());
  scope.cancel(sofa::Error(Code::cancelled, "the caller has enough"));
  co_return expect_error(co_await std::move(wait).in(scope), Code::cancelled);
}

}  // namespace interop
