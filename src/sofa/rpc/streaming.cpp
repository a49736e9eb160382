#include "sofa/rpc/streaming.h"

#include "sofa/rpc/detail/caller.h"

namespace sofa::rpc::detail {

Task<Result<std::unique_ptr<MessageStream>>> open_stream(CallTarget target, CallOptions options) {
  co_await or_return(check_connected(target));
  if (!target.caller->shard().is_current()) {
    co_return fail(Code::failed_precondition, "{} streams: call it on the shard that connected the client", target.method);
  }
  co_return co_await Caller::open_stream(target.caller, *target.spec, std::move(options));
}

std::unexpected<Error> fail_no_message(std::string_view method) {
  return fail(Code::internal, "{}: the peer ended its messages without the one that belongs there", method);
}

}  // namespace sofa::rpc::detail
