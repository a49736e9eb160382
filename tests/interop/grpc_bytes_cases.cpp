#include "grpc_cases.h"
#include "sofa/base/base64.h"

namespace interop {

namespace {

using sofa::Bytes;
using sofa::grpc::Channel;
using sofa::grpc::Encoding;

const std::string kService = "/grpc.testing.TestService/";
constexpr std::string_view kInitial = "x-grpc-test-echo-initial", kInitialValue = "test_initial_metadata_value";
constexpr std::string_view kTrailing = "x-grpc-test-echo-trailing-bin", kTrailingValue = "\xab\xab\xab";
constexpr size_t kRequestSize = 271'828, kResponseSize = 314'159;

template <class Message>
Bytes bytes_of(const Message& message) {
  return Bytes::copy_of(message.SerializeAsString());
}

template <class Message>
Result<Message> message_of(sofa::ByteSpan bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return sofa::fail(Code::data_loss, "the answer is no message");
  return message;
}

pb::SimpleRequest simple_request(size_t response_size, size_t own_size) {
  pb::SimpleRequest request;
  request.set_response_size(static_cast<int32_t>(response_size));
  *request.mutable_payload() = payload_of(own_size);
  return request;
}

Result<void> expect_metadata(const sofa::http::Headers& headers, const sofa::http::Headers& trailers) {
  if (auto same = expect_equal(kInitialValue, headers.get_or(kInitial)); !same) return same;
  const auto value = sofa::from_base64(trailers.get_or(kTrailing), sofa::Base64Padding::none);
  return expect_true(value && sofa::as_text(*value) == kTrailingValue, "the binary trailer did not come back");
}

Task<Result<void>> custom_metadata(Channel& channel) {
  const sofa::http::Headers metadata{{kInitial, kInitialValue}, {kTrailing, kTrailingValue}};
  sofa::http::Headers headers, trailers;
  co_await or_return(
      channel.unary(kService + "UnaryCall", bytes_of(simple_request(1, 1)), {.metadata = metadata, .headers = &headers, .trailers = &trailers}));
  co_await or_return(expect_metadata(headers, trailers));

  auto call = co_await or_return(channel.stream(kService + "FullDuplexCall", {.metadata = metadata}));
  co_await or_return(call->write(bytes_of(output_request({1}, 1))));
  const sofa::http::Headers* head = co_await or_return(call->headers());
  co_await or_return(call->read());
  co_await or_return(call->finish_writes());
  co_await or_return(expect_true(!co_await or_return(call->read()), "a message after the last one"));
  co_return expect_metadata(*head, call->trailers());
}

Task<Result<void>> unimplemented_method(Channel& channel) {
  co_return expect_error(co_await channel.unary(kService + "UnimplementedCall", Bytes()), Code::unimplemented);
}

Task<Result<void>> unimplemented_service(Channel& channel) {
  co_return expect_error(co_await channel.unary("/grpc.testing.UnimplementedService/UnimplementedCall", Bytes()), Code::unimplemented);
}

/// A request that says of itself that it is compressed, and whether it is.
Task<Result<Bytes>> unary_that_expects(Channel& channel, bool expected, Encoding encoding) {
  pb::SimpleRequest request = simple_request(kResponseSize, kRequestSize);
  request.mutable_expect_compressed()->set_value(expected);
  return channel.unary(kService + "UnaryCall", bytes_of(request), {.encoding = encoding});
}

Task<Result<void>> client_compressed_unary_noprobe(Channel& channel) {
  for (const bool compressed : {true, false}) {
    const Bytes answer = co_await or_return(unary_that_expects(channel, compressed, compressed ? Encoding::gzip : Encoding::identity));
    const auto response = co_await or_return(message_of<pb::SimpleResponse>(answer));
    co_await or_return(expect_equal(kResponseSize, response.payload().body().size()));
  }
  co_return Result<void>();
}

Task<Result<void>> client_compressed_unary(Channel& channel) {
  // Whether the server looks at it at all.
  co_await or_return(expect_error(co_await unary_that_expects(channel, true, Encoding::identity), Code::invalid_argument));
  co_return co_await client_compressed_unary_noprobe(channel);
}

Task<Result<void>> server_compressed_unary(Channel& channel) {
  for (const bool compressed : {true, false}) {
    pb::SimpleRequest request = simple_request(kResponseSize, kRequestSize);
    request.mutable_response_compressed()->set_value(compressed);
    // As a stream: it tells of each message whether it was compressed.
    auto call = co_await or_return(channel.stream(kService + "UnaryCall"));
    co_await or_return(call->write(bytes_of(request)));
    co_await or_return(call->finish_writes());
    const auto answer = co_await or_return(call->read());
    co_await or_return(expect_equal(compressed, call->message_was_compressed()));
    const auto response = co_await or_return(message_of<pb::SimpleResponse>(answer.value()));
    co_await or_return(expect_equal(kResponseSize, response.payload().body().size()));
  }
  co_return Result<void>();
}

Bytes input_request(bool expect_compressed, size_t size) {
  pb::StreamingInputCallRequest request;
  request.mutable_expect_compressed()->set_value(expect_compressed);
  *request.mutable_payload() = payload_of(size);
  return bytes_of(request);
}

Task<Result<void>> client_compressed_streaming_noprobe(Channel& channel) {
  auto call = co_await or_return(channel.stream(kService + "StreamingInputCall", {.encoding = Encoding::gzip}));
  co_await or_return(call->write(input_request(true, 27182)));
  call->set_encoding(Encoding::identity);
  co_await or_return(call->write(input_request(false, 45904)));
  co_await or_return(call->finish_writes());
  const auto answer = co_await or_return(call->read());
  const auto response = co_await or_return(message_of<pb::StreamingInputCallResponse>(answer.value()));
  co_return expect_equal(27182 + 45904, response.aggregated_payload_size());
}

Task<Result<void>> client_compressed_streaming(Channel& channel) {
  {
    auto probe = co_await or_return(channel.stream(kService + "StreamingInputCall"));
    co_await or_return(probe->write(input_request(true, 27182)));
    co_await or_return(probe->finish_writes());
    co_await or_return(expect_error(co_await probe->read(), Code::invalid_argument));
  }
  co_return co_await client_compressed_streaming_noprobe(channel);
}

Task<Result<void>> server_compressed_streaming(Channel& channel) {
  const std::vector<std::pair<int32_t, bool>> wanted{{31415, true}, {92653, false}};
  pb::StreamingOutputCallRequest request;
  for (const auto& [size, compressed] : wanted) {
    pb::ResponseParameters& parameters = *request.add_response_parameters();
    parameters.set_size(size);
    parameters.mutable_compressed()->set_value(compressed);
  }
  auto call = co_await or_return(channel.stream(kService + "StreamingOutputCall"));
  co_await or_return(call->write(bytes_of(request)));
  co_await or_return(call->finish_writes());
  for (const auto& [size, compressed] : wanted) {
    const auto answer = co_await or_return(call->read());
    co_await or_return(expect_true(answer.has_value(), "the stream ended early"));
    co_await or_return(expect_equal(compressed, call->message_was_compressed()));
    const auto response = co_await or_return(message_of<pb::StreamingOutputCallResponse>(*answer));
    co_await or_return(expect_equal(static_cast<size_t>(size), response.payload().body().size()));
  }
  co_return expect_true(!co_await or_return(call->read()), "a message after the last one");
}

}  // namespace

std::vector<Check> bytes_cases(const TestServer& server) {
  using Case = Task<Result<void>> (*)(Channel&);
  static constexpr std::pair<const char*, Case> kCases[] = {{"custom_metadata", custom_metadata},
                                                            {"unimplemented_method", unimplemented_method},
                                                            {"unimplemented_service", unimplemented_service},
                                                            {"client_compressed_unary", client_compressed_unary},
                                                            {"client_compressed_unary_noprobe", client_compressed_unary_noprobe},
                                                            {"server_compressed_unary", server_compressed_unary},
                                                            {"client_compressed_streaming", client_compressed_streaming},
                                                            {"client_compressed_streaming_noprobe", client_compressed_streaming_noprobe},
                                                            {"server_compressed_streaming", server_compressed_streaming}};
  std::vector<Check> checks;
  for (const auto& [name, body] : kCases) checks.push_back({name, [&channel = *server.channel, body] { return body(channel); }});
  return checks;
}

}  // namespace interop
