#pragma once
// The cases of gRPC's interoperability tests (docs/protocols/grpc.md, source I) that our client runs: by generated stubs, and in bytes where a case
// needs what stubs hide (metadata of streams, compression of each message).

#include "checks.h"
#include "grpc/testing/test.sofa.h"
#include "sofa/grpc/client.h"
#include "sofa/rpc/client.h"

namespace interop {

namespace rpc = sofa::rpc;
namespace pb = ::grpc::testing;

/// The server under test.
struct TestServer {
  std::string target;            // of stubs
  rpc::ClientOptions options;    // likewise
  sofa::grpc::Channel* channel;  // outlives the cases
};

/// Each under its name in the tests of gRPC.
std::vector<Check> stub_cases(const TestServer& server);
std::vector<Check> bytes_cases(const TestServer& server);

inline pb::Payload payload_of(size_t size) {
  pb::Payload payload;
  payload.mutable_body()->assign(size, '\0');
  return payload;
}
/// A request of a stream that asks for answers of these sizes.
inline pb::StreamingOutputCallRequest output_request(const std::vector<int32_t>& sizes, size_t own_size = 0) {
  pb::StreamingOutputCallRequest request;
  for (const int32_t size : sizes) request.add_response_parameters()->set_size(size);
  if (own_size > 0) *request.mutable_payload() = payload_of(own_size);
  return request;
}

}  // namespace interop
