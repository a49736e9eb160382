#pragma once
// A call that outlives its caller: its arguments are copies.

#include <memory>
#include <vector>

#include "sofa/rpc/detail/caller.h"
#include "sofa/rpc/detail/shape.h"

namespace sofa::rpc::detail {

struct KeptCall {
  /// Null when an argument cannot be copied: dynamic calls, types that own what cannot be shared.
  static std::unique_ptr<KeptCall> copy_of(const CallSpec& call, const CallOptions& how);

  explicit KeptCall(const CallSpec& call, const CallOptions& how) : values(*call.shape), spec(call), options(how) {}
  KeptCall(const KeptCall&) = delete;
  KeptCall& operator=(const KeptCall&) = delete;

  Values values;
  std::vector<const void*> arguments;
  CallSpec spec;
  CallOptions options;
};

}  // namespace sofa::rpc::detail
