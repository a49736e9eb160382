#pragma once
// Errors as values: `Result<T>` crosses every module border, exceptions do not.

#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sofa {

/// What kind of failure it is, for code that decides (retry, map to a status). The names and numbers are gRPC's canonical codes.
enum class Code : uint8_t {
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};

std::string_view to_string(Code code);

/// Something a module attaches to an error for those who know it (for example the Java exception that a service threw).
/// Immutable once attached, so that an error may cross shards.
struct ErrorDetail {
  virtual ~ErrorDetail() = default;
};

/// A failure: a code, a sentence that says what happened, the value at fault and what to do, and the error that caused it.
/// One pointer wide, cheap to move; copies share the same immutable body. A moved-from Error may only be destroyed or assigned.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message);

  Code code() const;
  std::string_view message() const;

  /// The error that led to this one, or null. Lives as long as this error.
  const Error* cause() const;

  /// The attached detail of type D, looked for along the chain of causes; null when there is none.
  template <class D>
  const D* detail() const {
    for (const Error* e = this; e != nullptr; e = e->cause()) {
      if (auto* found = dynamic_cast<const D*>(e->own_detail())) return found;
    }
    return nullptr;
  }

  Error with_cause(Error cause) &&;
  Error with_detail(std::shared_ptr<const ErrorDetail> detail) &&;
  /// The same code and detail under a new first sentence; this error becomes the cause. `message` tells the outer story.
  Error wrap(std::string message) &&;

  /// The message, then each cause after ": ", as one line for logs and terminals.
  std::string to_string() const;

 private:
  struct Body;
  const ErrorDetail* own_detail() const;
  std::shared_ptr<Body> body_;
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail(Code::not_found, "account {} is unknown; open it first", id);`
template <class... Args>
std::unexpected<Error> fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected<Error>(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

/// Passes on the error of a failed result: `if (!r) return forward_error(r);`
template <class T>
std::unexpected<Error> forward_error(Result<T>& result) {
  return std::unexpected<Error>(std::move(result.error()));
}
template <class T>
std::unexpected<Error> forward_error(Result<T>&& result) {
  return std::unexpected<Error>(std::move(result.error()));
}

/// An error made from errno: "<what>: <strerror>", with the code that fits (ENOSPC is resource_exhausted, ENOENT not_found, ...). Of the limits on
/// open files (EMFILE, ENFILE) and of memory (ENOMEM) the sentence says which one was met and what raises it.
Error errno_error(int errno_value, std::string_view what);
/// The errno that the error, or one of its causes, was made from; 0 when none was.
int errno_of(const Error& error);
/// The disk, or the user's quota on it, is full (ENOSPC, EDQUOT); resource_exhausted alone may mean any bound.
bool is_disk_full(const Error& error);

}  // namespace sofa

template <>
struct fmt::formatter<sofa::Error> : fmt::formatter<std::string_view> {
  auto format(const sofa::Error& error, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(error.to_string(), context);
  }
};
