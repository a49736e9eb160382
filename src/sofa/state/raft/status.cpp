// JRaft's codes as errors of this project, and back.

#include "sofa/state/raft/node.h"

namespace sofa::raft {

using jraft::RaftError;

namespace {

/// What a code is for those who know nothing of Raft.
Code code_of(RaftError code) {
  switch (code) {
    case RaftError::eagain:
    case RaftError::ehostdown:
    case RaftError::eshutdown:
    case RaftError::estop:
    case RaftError::enodeshutdown:
      return Code::unavailable;
    case RaftError::etimedout:
    case RaftError::erafttimedout:
      return Code::deadline_exceeded;
    case RaftError::ebusy:
      return Code::resource_exhausted;
    case RaftError::enoent:
      return Code::not_found;
    case RaftError::eexists:
      return Code::already_exists;
    case RaftError::einval:
    case RaftError::erequest:
      return Code::invalid_argument;
    case RaftError::eacces:
      return Code::permission_denied;
    case RaftError::eperm:
    case RaftError::ecatchup:
    case RaftError::ebadnode:
      return Code::failed_precondition;
    case RaftError::einternal:
    case RaftError::eio:
    case RaftError::estatemachine:
      return Code::internal;
    case RaftError::unknown:
      return Code::unknown;
    default:
      return Code::aborted;
  }
}

RaftError raft_code_of(Code code) {
  switch (code) {
    case Code::deadline_exceeded:
      return RaftError::etimedout;
    case Code::data_loss:
      return RaftError::eio;
    case Code::invalid_argument:
      return RaftError::einval;
    case Code::resource_exhausted:
      return RaftError::ebusy;
    case Code::cancelled:
      return RaftError::ecanceled;
    case Code::not_found:
      return RaftError::enoent;
    default:
      return RaftError::einternal;
  }
}

}  // namespace

Error error_of(jraft::Status status) {
  const Code code = code_of(status.code);
  std::string message = status.message.empty() ? std::string(name_of(status.code)) : status.message;
  return Error(code, std::move(message)).with_detail(std::make_shared<const RaftStatus>(std::move(status)));
}

jraft::Status status_of(const Error& error) {
  if (const auto* of = error.detail<RaftStatus>()) return of->status;
  return {raft_code_of(error.code()), error.to_string()};
}

}  // namespace sofa::raft
