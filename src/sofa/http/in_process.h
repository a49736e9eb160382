#pragma once
// A handler of this process is asked without a connection: for those who look at the answers of their own server.

#include <string>

#include "sofa/http/exchange.h"
#include "sofa/http/fetch.h"
#include "sofa/io/task.h"

namespace sofa::http {

struct InProcessRequest {
  RequestHead head{};
  std::string principal{};    ///< RequestContext::principal
  size_t most = 1024 * 1024;  ///< bytes of the answer's body
};

/// The whole answer, of any status, to a request without a body. Code::resource_exhausted for an answer that is longer, Code::unavailable when the
/// handler drops the request. When the scope of the caller is cancelled, the handler is told that its peer is gone. The handler answers on this
/// shard.
io::Task<Result<Fetched>> ask_in_process(Handler& handler, InProcessRequest request);

}  // namespace sofa::http
