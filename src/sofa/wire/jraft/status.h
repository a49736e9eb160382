#pragma once
// The codes of JRaft's errors (jraft.md 1.2), as they travel.

#include <cstdint>
#include <string>
#include <string_view>

namespace sofa::jraft {

enum class RaftError : int32_t {
  unknown = -1,
  success = 0,
  erequest = 1000,
  estop,
  eagain,
  eintr,
  einternal,
  ecanceled,
  ehostdown,
  eshutdown,
  eperm,
  ebusy,
  etimedout,
  estale,
  enoent,
  eexists,
  eio,
  einval,
  eacces,
  erafttimedout = 10001,
  estatemachine,
  ecatchup,
  eleaderremoved,
  esetpeer,
  enodeshutdown,
  ehighertermrequest,
  ehighertermresponse,
  ebadnode,
  evoteforcandidate,
  enewleader,
  eleaderconflict,
  etransferleadership,
  elogdeleted,
  enomoreuserlog,
};

/// "EPERM"; "UNKNOWN" for a number without a name.
std::string_view name_of(RaftError code);

/// How something ended: well, or a code with a sentence.
struct Status {
  RaftError code = RaftError::success;
  std::string message{};
  bool ok() const { return code == RaftError::success; }
  /// "EPERM: Is not leader."
  std::string to_string() const;
  bool operator==(const Status&) const = default;
};

}  // namespace sofa::jraft
