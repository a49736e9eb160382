// The gRPC service of the contract (docs/protocols/interop-service.md, section 3) on servers of any language.

#include "client_checks.h"
#include "sofa/grpc/client.h"
#include "sofa/io/task_group.h"

namespace interop {

namespace {

using namespace std::chrono_literals;
using sofa::Bytes;
using sofa::grpc::Channel;
using sofa::grpc::Encoding;
using sofa::interop::pb::EchoRequest;
using sofa::interop::pb::EchoResponse;
using sofa::interop::pb::Interop;

const std::string kService = "/sofa.interop.pb.Interop/";
constexpr size_t kMostBytes = size_t{3} << 20;
constexpr int32_t kLongSleepMs = 10'000;

EchoRequest text_request(std::string text) {
  EchoRequest request;
  request.set_text(std::move(text));
  return request;
}

EchoRequest failing_request(std::string fail) {
  EchoRequest request;
  request.set_fail(std::move(fail));
  return request;
}

EchoRequest sleeping_request(int32_t ms) {
  EchoRequest request;
  request.set_sleep_ms(ms);
  return request;
}

EchoRequest stream_request(std::string text, int32_t times) {
  EchoRequest request = text_request(std::move(text));
  request.set_times(times);
  return request;
}

Task<Result<void>> echo(Interop& s) {
  EchoRequest request = text_request("中文");
  request.set_blob(std::string("\0\1", 2));
  (*request.mutable_attrs())["k"] = "v";
  const auto got = co_await or_return(s.echo(request));
  co_return expect_true(got.text() == "中文" && got.blob() == request.blob() && got.attrs().at("k") == "v", got.ShortDebugString());
}

Task<Result<void>> fails(Interop& s) { co_return expect_error(co_await s.echo(failing_request("pb")), Code::unknown, "boom pb"); }

Task<Result<void>> server_stream(Interop& s, int32_t times) {
  auto answers = co_await or_return(s.server_stream(stream_request("s", times)));
  for (int32_t index = 0; index < times; ++index) {
    const auto answer = co_await or_return(answers.read());
    co_await or_return(expect_true(answer && answer->index() == index && answer->text() == "s", "an answer is missing or out of order"));
  }
  const auto end = co_await or_return(answers.read());
  co_return expect_true(!end, "more answers than asked for");
}

Task<Result<void>> client_stream(Interop& s) {
  auto stream = co_await or_return(s.client_stream());
  for (const char* text : {"a", "b", "c"}) co_await or_return(stream.write(text_request(text)));
  const auto answer = co_await or_return(stream.finish());
  co_return expect_true(answer.text() == "abc" && answer.index() == 3, answer.ShortDebugString());
}

Task<Result<void>> bidi_stream(Interop& s) {
  auto stream = co_await or_return(s.bidi_stream());
  for (int32_t index = 0; index < 3; ++index) {
    co_await or_return(stream.write(text_request("x")));
    const auto answer = co_await or_return(stream.read());
    co_await or_return(expect_true(answer && answer->index() == index, "an answer is missing or out of order"));
  }
  co_await or_return(stream.finish_writes());
  const auto end = co_await or_return(stream.read());
  co_return expect_true(!end, "more answers than requests");
}

// ---------------------------------------------------------------- of servers of gRPC

Task<Result<void>> echo_blob(Interop& s, size_t size) {
  EchoRequest request;
  request.set_blob(std::string(size, 'x'));
  const auto got = co_await or_return(s.echo(request));
  co_return expect_true(got.blob() == request.blob(), fmt::format("{} bytes came back, not the same", got.blob().size()));
}

Task<Result<void>> many_at_once(Interop& s) {
  constexpr int kCalls = 1000;
  std::vector<Task<Result<EchoResponse>>> calls;
  for (int i = 0; i < kCalls; ++i) {
    EchoRequest request = text_request(std::to_string(i));
    request.set_sleep_ms(i % 20);
    calls.push_back(s.echo(std::move(request)));
  }
  const auto answers = co_await or_return(sofa::io::when_all(std::move(calls)));
  for (size_t i = 0; i < kCalls; ++i) co_await or_return(expect_equal(std::to_string(i), answers[i].text()));
  co_return Result<void>();
}

/// The deadline of the call travels with it: the caller's own clock would say the same, so the server's answer is bounded only by "in time".
Task<Result<void>> deadline(Interop& s) {
  const auto begun = std::chrono::steady_clock::now();
  co_await or_return(expect_error(co_await s.echo.with({.timeout = 200ms})(sleeping_request(kLongSleepMs)), Code::deadline_exceeded));
  co_return expect_true(std::chrono::steady_clock::now() - begun < 5s, "the deadline came late");
}

Task<Result<void>> stream_deadline(Interop& s) {
  EchoRequest request = stream_request("s", 1'000'000);
  request.set_sleep_ms(50);
  auto answers = co_await or_return(s.server_stream(request, {.timeout = 300ms}));
  while (true) {
    const auto answer = co_await answers.read();
    if (!answer) co_return expect_error(answer, Code::deadline_exceeded);
    co_await or_return(expect_true(answer->has_value(), "the stream ended without an error"));
  }
}

Task<Result<void>> cancel(Interop& s) {
  co_await or_return(expect_cancelled(s.echo(sleeping_request(kLongSleepMs))));
  co_return co_await echo(s);
}

Task<Result<void>> cancel_stream(Interop& s) {
  {
    auto answers = co_await or_return(s.server_stream(stream_request(std::string(1000, 'x'), 1'000'000)));
    const auto first = co_await or_return(answers.read());
    co_await or_return(expect_true(first.has_value(), "the stream ended at once"));
  }  // which cancels it
  co_return co_await echo(s);
}

Task<Result<void>> stream_fails_after_its_messages(Interop& s) {
  auto stream = co_await or_return(s.bidi_stream());
  co_await or_return(stream.write(text_request("a")));
  const auto answer = co_await or_return(stream.read());
  co_await or_return(expect_true(answer && answer->text() == "a", "the message before the failure did not come"));
  co_await or_return(stream.write(failing_request("ed")));
  co_return expect_error(co_await stream.read(), Code::unknown, "boom ed");
}

Bytes bytes_of(const EchoRequest& request) { return Bytes::copy_of(request.SerializeAsString()); }

Task<Result<void>> unimplemented(Channel& channel) {
  co_await or_return(expect_error(co_await channel.unary(kService + "Missing", Bytes()), Code::unimplemented));
  co_return expect_error(co_await channel.unary("/no.Service/Echo", Bytes()), Code::unimplemented);
}

/// A call whose request is in gzip.
Task<Result<void>> gzip(Channel& channel, size_t size) {
  EchoRequest request;
  request.set_blob(std::string(size, 'x'));
  const Bytes answer = co_await or_return(channel.unary(kService + "Echo", bytes_of(request), {.encoding = Encoding::gzip}));
  EchoResponse response;
  const bool parsed = response.ParseFromArray(answer.data(), static_cast<int>(answer.size()));
  co_return expect_true(parsed && response.blob() == request.blob(), "another blob came back");
}

Task<Result<void>> gzip_stream(Channel& channel) {
  auto stream = co_await or_return(channel.stream(kService + "BidiStream", {.timeout = 20s, .encoding = Encoding::gzip}));
  for (int32_t index = 0; index < 3; ++index) {
    co_await or_return(stream->write(bytes_of(text_request(std::string(10'000, 'x')))));
    const auto answer = co_await or_return(stream->read());
    EchoResponse response;
    const bool parsed = answer && response.ParseFromArray(answer->data(), static_cast<int>(answer->size()));
    co_await or_return(expect_true(parsed && response.index() == index, "an answer is missing or out of order"));
  }
  co_await or_return(stream->finish_writes());
  const auto end = co_await or_return(stream->read());
  co_return expect_true(!end, "more answers than requests");
}

/// A check in bytes, on a channel of its own.
Task<Result<void>> on_channel(std::string address, std::function<Task<Result<void>>(Channel&)> body) {
  Channel channel(co_await or_return(sofa::io::Address::parse(address)));
  auto done = co_await body(channel);
  co_await channel.close();
  co_return done;
}

void add_stub_check(Peer& peer, std::vector<Check>& checks, std::string name, Task<Result<void>> (*body)(Interop&)) {
  checks.push_back({std::move(name), [&peer, body] { return body(*peer.grpc); }});
}

}  // namespace

Task<Result<Peer>> connect_grpc(std::string target) {
  Peer peer;
  peer.target = target;
  peer.grpc = co_await or_return(rpc::connect<Interop>(target, {.app = "interop-client", .timeout = 20s, .connect_timeout = 10s}));
  co_return peer;
}

void add_proto_checks(Peer& peer, std::vector<Check>& checks) {
  add_stub_check(peer, checks, "proto.echo", echo);
  add_stub_check(peer, checks, "proto.fail", fails);
  checks.push_back({"proto.server_stream", [&peer] { return server_stream(*peer.grpc, 3); }});
  add_stub_check(peer, checks, "proto.client_stream", client_stream);
  add_stub_check(peer, checks, "proto.bidi_stream", bidi_stream);
}

void add_grpc_checks(Peer& peer, std::vector<Check>& checks) {
  const std::string address = peer.target.substr(peer.target.find("://") + 3);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{16384}, size_t{65536}, kMostBytes}) {
    checks.push_back({fmt::format("grpc.size_{}", size), [&peer, size] { return echo_blob(*peer.grpc, size); }});
    const auto in_gzip = [size](Channel& channel) { return gzip(channel, size); };
    checks.push_back({fmt::format("grpc.gzip_{}", size), [=] { return on_channel(address, in_gzip); }});
  }
  checks.push_back({"grpc.gzip_stream", [=] { return on_channel(address, gzip_stream); }});
  checks.push_back({"grpc.unimplemented", [=] { return on_channel(address, unimplemented); }});
  checks.push_back({"grpc.server_stream_of_1000", [&peer] { return server_stream(*peer.grpc, 1000); }});
  checks.push_back({"grpc.server_stream_of_none", [&peer] { return server_stream(*peer.grpc, 0); }});
  add_stub_check(peer, checks, "grpc.many_at_once", many_at_once);
  add_stub_check(peer, checks, "grpc.deadline", deadline);
  add_stub_check(peer, checks, "grpc.stream_deadline", stream_deadline);
  add_stub_check(peer, checks, "grpc.cancel", cancel);
  add_stub_check(peer, checks, "grpc.cancel_stream", cancel_stream);
  add_stub_check(peer, checks, "grpc.stream_fails_after_its_messages", stream_fails_after_its_messages);
}

}  // namespace interop
