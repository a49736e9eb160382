#include "sofa/base/error.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace sofa {

struct Error::Body {
  Code code;
  std::string message;
  std::optional<Error> cause;
  std::shared_ptr<const ErrorDetail> detail;
};

std::string_view to_string(Code code) {
  switch (code) {
    case Code::cancelled:
      return "cancelled";
    case Code::unknown:
      return "unknown";
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::deadline_exceeded:
      return "deadline_exceeded";
    case Code::not_found:
      return "not_found";
    case Code::already_exists:
      return "already_exists";
    case Code::permission_denied:
      return "permission_denied";
    case Code::resource_exhausted:
      return "resource_exhausted";
    case Code::failed_precondition:
      return "failed_precondition";
    case Code::aborted:
      return "aborted";
    case Code::out_of_range:
      return "out_of_range";
    case Code::unimplemented:
      return "unimplemented";
    case Code::internal:
      return "internal";
    case Code::unavailable:
      return "unavailable";
    case Code::data_loss:
      return "data_loss";
    case Code::unauthenticated:
      return "unauthenticated";
  }
  return "unknown";
}

Error::Error(Code code, std::string message) : body_(std::make_shared<Body>(Body{code, std::move(message), std::nullopt, nullptr})) {}

Code Error::code() const { return body_->code; }
std::string_view Error::message() const { return body_->message; }
const Error* Error::cause() const { return body_->cause ? &*body_->cause : nullptr; }
const ErrorDetail* Error::own_detail() const { return body_->detail.get(); }

Error Error::with_cause(Error cause) && {
  auto body = std::make_shared<Body>(*body_);
  body->cause = std::move(cause);
  body_ = std::move(body);
  return std::move(*this);
}

Error Error::with_detail(std::shared_ptr<const ErrorDetail> detail) && {
  auto body = std::make_shared<Body>(*body_);
  body->detail = std::move(detail);
  body_ = std::move(body);
  return std::move(*this);
}

Error Error::wrap(std::string message) && {
  Error outer(code(), std::move(message));
  outer.body_->cause = std::move(*this);
  return outer;
}

std::string Error::to_string() const {
  std::string text(message());
  for (const Error* e = cause(); e != nullptr; e = e->cause()) {
    text += ": ";
    text += e->message();
  }
  return text;
}

namespace {

struct Errno : ErrorDetail {
  explicit Errno(int errno_value) : value(errno_value) {}
  int value;
};

std::string sentence_of(int errno_value) {
  switch (errno_value) {
    case EMFILE: {
      rlimit limit{};
      ::getrlimit(RLIMIT_NOFILE, &limit);
      return fmt::format(
          "this process has as many files open as its limit allows ({}); raise it with 'ulimit -n' or LimitNOFILE= of its systemd unit "
          "(errno {})",
          limit.rlim_cur, errno_value);
    }
    case ENFILE:
      return fmt::format("the machine has as many files open as it allows (sysctl fs.file-max); raise that or close programs (errno {})",
                         errno_value);
    case ENOMEM:
      return fmt::format("the kernel has no memory left for it; free memory, or raise the limit of this process or container (errno {})",
                         errno_value);
    default:
      return fmt::format("{} (errno {})", std::strerror(errno_value), errno_value);
  }
}

}  // namespace

int errno_of(const Error& error) {
  const auto* found = error.detail<Errno>();
  return found == nullptr ? 0 : found->value;
}

bool is_disk_full(const Error& error) {
  const int value = errno_of(error);
  return value == ENOSPC || value == EDQUOT;
}

Error errno_error(int errno_value, std::string_view what) {
  Code code = Code::unavailable;
  switch (errno_value) {
    case ENOENT:
      code = Code::not_found;
      break;
    case EEXIST:
      code = Code::already_exists;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::permission_denied;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = Code::resource_exhausted;
      break;
    case EINVAL:
      code = Code::invalid_argument;
      break;
    case EADDRINUSE:
      code = Code::already_exists;
      break;
    case ETIMEDOUT:
      code = Code::deadline_exceeded;
      break;
    case ECANCELED:
      code = Code::cancelled;
      break;
    case EIO:
      code = Code::data_loss;
      break;
    default:
      break;
  }
  return Error(code, fmt::format("{}: {}", what, sentence_of(errno_value))).with_detail(std::make_shared<Errno>(errno_value));
}

}  // namespace sofa
