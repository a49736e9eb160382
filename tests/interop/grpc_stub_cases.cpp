#include "grpc_cases.h"
#include "sofa/io/shard.h"

namespace interop {

namespace {

using namespace std::chrono_literals;
using Stub = std::shared_ptr<pb::TestService>;

constexpr int32_t kLargeRequest = 271'828, kLargeResponse = 314'159;
const std::vector<int32_t> kRequestSizes{27182, 8, 1828, 45904};
const std::vector<int32_t> kResponseSizes{31415, 9, 2653, 58979};
constexpr std::string_view kSpecial = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";

pb::SimpleRequest simple_request(int32_t response_size, size_t own_size) {
  pb::SimpleRequest request;
  request.set_response_size(response_size);
  *request.mutable_payload() = payload_of(own_size);
  return request;
}

Task<Result<void>> empty_unary(Stub stub) {
  const pb::Empty answer = co_await or_return(stub->empty_call(pb::Empty()));
  co_return expect_equal(size_t{0}, answer.ByteSizeLong());
}

Task<Result<void>> large_unary(Stub stub) {
  const auto answer = co_await or_return(stub->unary_call(simple_request(kLargeResponse, kLargeRequest)));
  co_return expect_true(answer.payload().body() == std::string(kLargeResponse, '\0'), "the body is not of 314159 zeros");
}

Task<Result<void>> client_streaming(Stub stub) {
  auto call = co_await or_return(stub->streaming_input_call());
  int32_t sum = 0;
  for (const int32_t size : kRequestSizes) {
    pb::StreamingInputCallRequest request;
    *request.mutable_payload() = payload_of(static_cast<size_t>(size));
    co_await or_return(call.write(std::move(request)));
    sum += size;
  }
  const auto answer = co_await or_return(call.finish());
  co_return expect_equal(sum, answer.aggregated_payload_size());
}

Task<Result<void>> server_streaming(Stub stub) {
  auto call = co_await or_return(stub->streaming_output_call(output_request(kResponseSizes)));
  std::vector<int32_t> got;
  while (const auto answer = co_await or_return(call.read())) got.push_back(static_cast<int32_t>(answer->payload().body().size()));
  co_return expect_true(got == kResponseSizes, "the answers have other sizes than were asked for");
}

Task<Result<void>> ping_pong(Stub stub) {
  auto call = co_await or_return(stub->full_duplex_call());
  for (size_t i = 0; i < kRequestSizes.size(); ++i) {
    co_await or_return(call.write(output_request({kResponseSizes[i]}, static_cast<size_t>(kRequestSizes[i]))));
    const auto answer = co_await or_return(call.read());
    co_await or_return(expect_true(answer.has_value(), "the stream ended early"));
    co_await or_return(expect_equal(static_cast<size_t>(kResponseSizes[i]), answer->payload().body().size()));
  }
  co_await or_return(call.finish_writes());
  const auto end = co_await or_return(call.read());
  co_return expect_true(!end, "a message after the last one");
}

Task<Result<void>> empty_stream(Stub stub) {
  auto call = co_await or_return(stub->full_duplex_call());
  co_await or_return(call.finish_writes());
  const auto end = co_await or_return(call.read());
  co_return expect_true(!end, "a message that nobody asked for");
}

Task<Result<void>> timeout_on_sleeping_server(Stub stub) {
  auto call = co_await stub->full_duplex_call({.timeout = 1ms});
  if (!call) co_return expect_error(call, Code::deadline_exceeded);
  // The deadline may pass before it is written: the read tells.
  [[maybe_unused]] const auto written = co_await call->write(output_request({}, 27182));
  co_return expect_error(co_await call->read(), Code::deadline_exceeded);
}

Task<Result<void>> cancel_after_begin(Stub stub) {
  {
    auto call = co_await or_return(stub->streaming_input_call());
    co_await or_return(expect_cancelled(call.finish()));
  }
  // A further call on the connection is answered.
  co_return co_await empty_unary(stub);
}

Task<Result<void>> cancel_after_first_response(Stub stub) {
  {
    auto call = co_await or_return(stub->full_duplex_call());
    co_await or_return(call.write(output_request({31415}, 27182)));
    co_await or_return(call.read());
    co_await or_return(expect_cancelled(call.read()));
  }
  co_return co_await empty_unary(stub);
}

Task<Result<void>> status_code_and_message(Stub stub) {
  pb::EchoStatus wanted;
  wanted.set_code(2);
  wanted.set_message("test status message");
  pb::SimpleRequest request;
  *request.mutable_response_status() = wanted;
  co_await or_return(expect_error(co_await stub->unary_call(request), Code::unknown, wanted.message()));

  auto call = co_await or_return(stub->full_duplex_call());
  pb::StreamingOutputCallRequest streamed;
  *streamed.mutable_response_status() = wanted;
  co_await or_return(call.write(std::move(streamed)));
  co_await or_return(call.finish_writes());
  co_return expect_error(co_await call.read(), Code::unknown, wanted.message());
}

Task<Result<void>> special_status_message(Stub stub) {
  pb::SimpleRequest request;
  request.mutable_response_status()->set_code(2);
  request.mutable_response_status()->set_message(std::string(kSpecial));
  co_return expect_error(co_await stub->unary_call(request), Code::unknown, kSpecial);
}

Task<Result<void>> pick_first_unary(Stub stub) {
  pb::SimpleRequest request = simple_request(1, 1);
  request.set_fill_server_id(true);
  std::string first;
  for (int i = 0; i < 100; ++i) {
    const auto answer = co_await or_return(stub->unary_call(request));
    if (i == 0) first = answer.server_id();
    co_await or_return(expect_true(!first.empty() && first == answer.server_id(), "the calls did not all reach one server that names itself"));
  }
  co_return Result<void>();
}

/// A stream on which nothing comes for a while is still there: a case of ours.
Task<Result<void>> quiet_stream(Stub stub) {
  auto call = co_await or_return(stub->full_duplex_call());
  co_await or_return(call.write(output_request({9})));
  co_await or_return(call.read());
  co_await or_return(sofa::io::sleep_for(3s));
  co_await or_return(call.write(output_request({9})));
  const auto answer = co_await or_return(call.read());
  co_return expect_true(answer.has_value(), "the stream ended");
}

Task<Result<void>> rpc_soak(Stub stub) {
  for (int i = 0; i < 100; ++i) co_await or_return(large_unary(stub));
  co_return Result<void>();
}

Task<Result<void>> channel_soak(TestServer server) {
  for (int i = 0; i < 20; ++i) {
    const Stub stub = co_await or_return(rpc::connect<pb::TestService>(server.target, server.options));
    co_await or_return(large_unary(stub));
  }
  co_return Result<void>();
}

}  // namespace

std::vector<Check> stub_cases(const TestServer& server) {
  using Case = Task<Result<void>> (*)(Stub);
  static constexpr std::pair<const char*, Case> kCases[] = {{"empty_unary", empty_unary},
                                                            {"large_unary", large_unary},
                                                            {"client_streaming", client_streaming},
                                                            {"server_streaming", server_streaming},
                                                            {"ping_pong", ping_pong},
                                                            {"empty_stream", empty_stream},
                                                            {"timeout_on_sleeping_server", timeout_on_sleeping_server},
                                                            {"cancel_after_begin", cancel_after_begin},
                                                            {"cancel_after_first_response", cancel_after_first_response},
                                                            {"status_code_and_message", status_code_and_message},
                                                            {"special_status_message", special_status_message},
                                                            {"pick_first_unary", pick_first_unary},
                                                            {"quiet_stream", quiet_stream},
                                                            {"rpc_soak", rpc_soak}};
  const auto run = [](TestServer to, Case body) -> Task<Result<void>> {
    const Stub stub = co_await or_return(rpc::connect<pb::TestService>(to.target, to.options));
    co_return co_await body(stub);
  };
  std::vector<Check> checks;
  for (const auto& [name, body] : kCases) checks.push_back({name, [=] { return run(server, body); }});
  checks.push_back({"channel_soak", [=] { return channel_soak(server); }});
  return checks;
}

}  // namespace interop
