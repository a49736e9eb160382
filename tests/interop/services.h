#pragma once
// The services of interop-server that stand in files of their own, and what they share.

#include <memory>

#include "extra_api.h"
#include "interop.sofa.h"
#include "json_api.h"
#include "stream_api.h"

namespace sofa::rest {
class Api;
}

namespace interop {

std::shared_ptr<JsonService> make_json_service();
std::shared_ptr<ExtraService> make_extra_service();
std::shared_ptr<sofa::interop::pb::Interop> make_grpc_service();
std::shared_ptr<SofaStreamService> make_sofa_streams();
std::shared_ptr<DubboStreamService> make_dubbo_streams();

/// The contract's REST, and what PlainPages answers.
std::shared_ptr<sofa::rest::Api> make_rest_api();

/// What fail(kind) of the contract throws.
Result<Text> throw_it(const Text& kind);

}  // namespace interop
