// grpc-interop-server: the server of gRPC's interoperability tests (grpc.testing.TestService), for the clients that gRPC's own projects test with.
// `grpc-interop-server --port 0` prints `ready pid=N bolt=P h2=P` when it listens.

#include <unistd.h>

#include "grpc/testing/test.sofa.h"
#include "sofa/grpc/server.h"
#include "sofa/io/shard.h"
#include "sofa/rpc/server.h"

namespace {

using namespace sofa;
using namespace ::grpc::testing;
using rpc::or_return;
using rpc::Task;

constexpr std::string_view kEchoInitial = "x-grpc-test-echo-initial";
constexpr std::string_view kEchoTrailing = "x-grpc-test-echo-trailing-bin";

/// What every call does: metadata that the caller wants back.
void echo_metadata(rpc::Context& context) {
  sofa::grpc::Call& call = *context.grpc();
  if (const auto value = call.metadata().get(kEchoInitial)) call.add_header(kEchoInitial, *value);
  if (const auto value = call.binary(kEchoTrailing)) call.add_trailer(kEchoTrailing, *value);
}

Result<void> wanted_status(const EchoStatus& status) {
  if (status.code() == 0) return {};
  return fail(static_cast<Code>(status.code()), "{}", status.message());
}

/// The encoding of the next message, where the caller says.
void compress(rpc::Context& context, bool compressed) {
  context.grpc()->set_encoding(compressed ? sofa::grpc::Encoding::gzip : sofa::grpc::Encoding::identity);
}

Result<void> expect_compressed(rpc::Context& context, const BoolValue& expected) {
  if (expected.value() == context.grpc()->message_was_compressed()) return {};
  return fail(Code::invalid_argument, "the message should {}have been compressed", expected.value() ? "" : "not ");
}

Result<SimpleResponse> unary_call(rpc::Context& context, const SimpleRequest& request) {
  echo_metadata(context);
  if (request.has_expect_compressed()) {
    if (auto as_said = expect_compressed(context, request.expect_compressed()); !as_said) return forward_error(as_said);
  }
  if (auto wanted = wanted_status(request.response_status()); !wanted) return forward_error(wanted);
  compress(context, request.response_compressed().value());
  SimpleResponse response;
  if (request.fill_server_id()) response.set_server_id(fmt::format("grpc-interop-server {}", getpid()));
  response.mutable_payload()->mutable_body()->assign(static_cast<size_t>(request.response_size()), '\0');
  return response;
}

/// The answers that one request of a stream asks for.
Task<Result<void>> answer(rpc::Context& context, const StreamingOutputCallRequest& request, rpc::Writer<StreamingOutputCallResponse>& out) {
  for (const ResponseParameters& wanted : request.response_parameters()) {
    if (wanted.interval_us() > 0) co_await or_return(io::sleep_for(std::chrono::microseconds(wanted.interval_us())));
    compress(context, wanted.compressed().value());
    StreamingOutputCallResponse response;
    response.mutable_payload()->mutable_body()->assign(static_cast<size_t>(wanted.size()), '\0');
    co_await or_return(out.write(std::move(response)));
  }
  co_return wanted_status(request.response_status());
}

/// Tells the client that the head may be compressed, before the first message decides.
void announce_compression(rpc::Context& context) {
  compress(context, true);
  compress(context, false);
}

Task<Result<void>> output_call(rpc::Context& context, StreamingOutputCallRequest request, rpc::Writer<StreamingOutputCallResponse>& out) {
  echo_metadata(context);
  announce_compression(context);
  co_return co_await answer(context, request, out);
}

Task<Result<StreamingInputCallResponse>> input_call(rpc::Context& context, rpc::Reader<StreamingInputCallRequest>& in) {
  echo_metadata(context);
  StreamingInputCallResponse response;
  while (const auto request = co_await or_return(in.read())) {
    if (request->has_expect_compressed()) co_await or_return(expect_compressed(context, request->expect_compressed()));
    response.set_aggregated_payload_size(response.aggregated_payload_size() + static_cast<int32_t>(request->payload().body().size()));
  }
  co_return response;
}

Task<Result<void>> full_duplex_call(rpc::Context& context, rpc::Reader<StreamingOutputCallRequest>& in,
                                    rpc::Writer<StreamingOutputCallResponse>& out) {
  echo_metadata(context);
  while (const auto request = co_await or_return(in.read())) co_await or_return(answer(context, *request, out));
  co_return Result<void>();
}

Task<Result<void>> half_duplex_call(rpc::Context& context, rpc::Reader<StreamingOutputCallRequest>& in,
                                    rpc::Writer<StreamingOutputCallResponse>& out) {
  std::vector<StreamingOutputCallRequest> all;
  while (auto request = co_await or_return(in.read())) all.push_back(std::move(*request));
  for (const StreamingOutputCallRequest& request : all) co_await or_return(answer(context, request, out));
  co_return Result<void>();
}

std::shared_ptr<TestService> make_service() {
  auto service = std::make_shared<TestService>();
  service->empty_call = [](rpc::Context& context, Empty) { return echo_metadata(context), Empty(); };
  service->unary_call = unary_call;
  service->cacheable_unary_call = unary_call;
  service->streaming_output_call = output_call;
  service->streaming_input_call = input_call;
  service->full_duplex_call = full_duplex_call;
  service->half_duplex_call = half_duplex_call;
  return service;
}

}  // namespace

int main(int argc, char** argv) {
  rpc::ServerOptions options;
  options.drain = std::chrono::seconds(1);
  return rpc::serve(argc, argv, rpc::Server(options).add(make_service(), {.thread_safe = true}));
}
