#pragma once
// The stream services of the interop programs: one under the name of SOFARPC's Java interface, one under that of Dubbo's.

#include "interop_api.h"
#include "sofa/rpc/streaming.h"

namespace interop {

struct StreamService : rpc::Interface {
  rpc::ServerStreaming<Graph<User>(int32_t)> users{this, "users"};    // 0 to times - 1; a negative number fails with "boom stream"
  rpc::ClientStreaming<int64_t(Graph<User>)> total{this, "total"};    // the sum of the ids
  rpc::BidiStreaming<std::string(std::string)> shout{this, "shout"};  // each text with "!" behind it
};

struct SofaStreamService : StreamService {
  static constexpr std::string_view kName = "sofa.interop.SofaStreamService";
};
struct DubboStreamService : StreamService {
  static constexpr std::string_view kName = "sofa.interop.DubboStreamService";
};

}  // namespace interop
