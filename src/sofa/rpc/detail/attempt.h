#pragma once
// One call of a client on its way to a provider: what is called, by which rules, and where one attempt of it stands. What is the same for every
// protocol.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sofa/rpc/client.h"
#include "sofa/rpc/detail/shape.h"
#include "sofa/transport/status.h"

namespace sofa::rpc::detail {

/// One call, whatever its types: described, protobuf or dynamic. What it points to lives until the call has ended.
struct CallSpec {
  std::string_view method;
  std::string_view proto_method;  // the last part of a gRPC path
  Duration timeout{};             // the method's, zero: none
  std::optional<int> retries;
  uint8_t codec = bolt::kCodecHessian;
  bool oneway = false;
  std::span<const std::string_view> signatures;

  const MethodShape* shape = nullptr;  // typed calls
  std::span<const void* const> arguments;
  void* result = nullptr;

  GenericKind generic = GenericKind::objects;  // dynamic calls
  std::span<const hessian::Value> values;
  hessian::Document* document = nullptr;

  bool typed() const { return shape != nullptr; }
  size_t argument_count() const { return typed() ? arguments.size() : values.size(); }
};

/// What a client says of itself with each call, and its rules. Shared by all that its calls may outlive.
struct ClientIdentity {
  ServiceNames names;
  std::string service;  // unique name
  ClientOptions options;
};

/// A provider, and the list that keeps it.
struct Choice {
  ProviderList list;
  const Provider* provider = nullptr;
  Instant asked{};  // when it was begun to choose, for a client that counts calls
};

struct Attempt;
/// Which of several attempts at once is the one that counts: the first that is answered. The others do not touch the result.
struct Settlement {
  const Attempt* winner = nullptr;
  bool is_open() const { return winner == nullptr; }
  void settle(const Attempt& attempt, const Result<void>& done);
};

/// One attempt at one provider, and what all attempts of a call have in common.
struct Attempt {
  CallSpec& spec;
  CallOptions& options;
  Deadline deadline;  // of the scope
  const Context* served;
  const uint8_t codec;  // unless the provider wants another
  int number = 1;
  int most = 1;
  Choice choice{};
  Duration timeout{};
  Instant begun{};
  /// Once nothing was sent of an attempt: when it and those in its place have to end together.
  Deadline patience = kNoDeadline;
  Settlement* settlement = nullptr;  // with others at once
  CallTimer timer{};

  const Provider& provider() const { return *choice.provider; }
  /// Whichever comes first: the end of its timeout or that of the scope.
  Deadline end() const { return std::min(deadline, deadline_after(begun, timeout)); }
  /// Reads an answer, unless another attempt was first.
  template <class F>
  Result<void> settle(F read) const {
    if (settlement == nullptr) return read();
    if (!settlement->is_open()) return fail(Code::cancelled, "another attempt was answered first");
    Result<void> done = read();
    settlement->settle(*this, done);
    return done;
  }
};

/// What decides on retries and sentences, in Bolt's words (transport/status.h); success for an error that carries none: it came from the service.
inline bolt::Status status_of(const Error& error) {
  const auto* status = error.detail<transport::TransportStatus>();
  return status == nullptr ? bolt::Status::success : status->status;
}

/// Another provider may answer, or this one later: it was busy, stopping, silent, or not reachable.
bool is_retryable(const Error& error);
/// Whether no provider has answered. An error of the service itself is its answer.
inline bool is_no_answer(const Error& error) { return is_retryable(error) || error.code() == Code::unavailable; }

inline void Settlement::settle(const Attempt& attempt, const Result<void>& done) {
  if (is_open() && (done || !is_retryable(done.error()))) winner = &attempt;
}

}  // namespace sofa::rpc::detail
