// The gRPC service of the contract (docs/protocols/interop-service.md, section 3).

#include "services.h"
#include "sofa/io/shard.h"

namespace interop {

using sofa::interop::pb::EchoRequest;
using sofa::interop::pb::EchoResponse;
using sofa::interop::pb::Interop;
using sofa::rpc::or_return;
using sofa::rpc::Task;

namespace {

EchoResponse answer_to(const EchoRequest& request, int32_t index) {
  EchoResponse response;
  response.set_text(request.text());
  response.set_index(index);
  response.set_blob(request.blob());
  *response.mutable_attrs() = request.attrs();
  return response;
}

/// Sleeps and fails as the request asks.
Task<Result<void>> obey(const EchoRequest& request) {
  if (request.sleep_ms() > 0) co_await or_return(sofa::io::sleep_for(std::chrono::milliseconds(request.sleep_ms())));
  if (!request.fail().empty()) co_return sofa::fail(sofa::Code::unknown, "boom {}", request.fail());
  co_return Result<void>();
}

}  // namespace

std::shared_ptr<Interop> make_grpc_service() {
  auto service = std::make_shared<Interop>();
  service->echo = [](EchoRequest request) -> Task<Result<EchoResponse>> {
    co_await or_return(obey(request));
    co_return answer_to(request, 0);
  };
  service->server_stream = [](EchoRequest request, rpc::Writer<EchoResponse>& out) -> Task<Result<void>> {
    for (int32_t index = 0; index < request.times(); ++index) {
      co_await or_return(obey(request));
      co_await or_return(out.write(answer_to(request, index)));
    }
    co_return Result<void>();
  };
  service->client_stream = [](rpc::Reader<EchoRequest>& in) -> Task<Result<EchoResponse>> {
    EchoResponse all;
    while (const auto request = co_await or_return(in.read())) {
      co_await or_return(obey(*request));
      all.set_text(all.text() + request->text());
      all.set_index(all.index() + 1);
    }
    co_return all;
  };
  service->bidi_stream = [](rpc::Reader<EchoRequest>& in, rpc::Writer<EchoResponse>& out) -> Task<Result<void>> {
    for (int32_t index = 0;; ++index) {
      const auto request = co_await or_return(in.read());
      if (!request) co_return Result<void>();
      co_await or_return(obey(*request));
      co_await or_return(out.write(answer_to(*request, index)));
    }
  };
  return service;
}

}  // namespace interop
