#include "echo.sofa.h"
#include "echo_api.h"
#include "load.h"

namespace bench {

namespace {

using namespace std::chrono_literals;
using google::protobuf::StringValue;

rpc::ClientOptions client_options(const LoadOptions& options) { return {.app = "bench-load", .timeout = 10s, .tls = tls_of(options, {"h2"})}; }

std::unexpected<Error> fail_wrong_answer(const LoadOptions& options, size_t size) {
  return fail(Code::internal, "the answer of {} is another text than the {} bytes that were sent: {} bytes", options.target, options.size, size);
}

/// Clients of one service, each with its connection, used by the callers in turn.
template <class Service>
class Clients : public Target {
 public:
  Clients(const LoadOptions& options, std::string_view scheme) : options_(options), scheme_(scheme), text_(options.size, 'x') {}

  rpc::Task<Result<void>> open() override {
    for (uint32_t i = 0; i < std::min(options_.connections, options_.callers); ++i) {
      const std::string url = fmt::format("{}://{}", scheme_, options_.target);
      clients_.push_back(co_await rpc::or_return(rpc::connect<Service>(url, client_options(options_))));
    }
    co_return Result<void>();
  }

 protected:
  const Service& client(uint32_t caller) const { return *clients_[caller % clients_.size()]; }

  const LoadOptions& options_;
  const std::string scheme_;
  const std::string text_;

 private:
  std::vector<std::shared_ptr<Service>> clients_;
};

/// The text as a Java interface has it, in Hessian.
class EchoTarget final : public Clients<EchoService> {
 public:
  using Clients::Clients;
  rpc::Task<Result<void>> call(uint32_t caller) override {
    const auto answer = co_await rpc::or_return(client(caller).echo(text_));
    if (answer != text_) co_return fail_wrong_answer(options_, answer.size());
    co_return Result<void>();
  }
};

StringValue message_of(const std::string& text) {
  StringValue message;
  message.set_value(text);
  return message;
}

class ProtoTarget final : public Clients<pb::Echo> {
 public:
  using Clients::Clients;
  rpc::Task<Result<void>> call(uint32_t caller) override {
    const auto answer = co_await rpc::or_return(client(caller).call(message_of(text_)));
    if (answer.value() != text_) co_return fail_wrong_answer(options_, answer.value().size());
    co_return Result<void>();
  }
};

/// Each caller has a stream, a call is one message each way.
class StreamTarget final : public Clients<pb::Echo> {
 public:
  using Clients::Clients;
  rpc::Task<Result<void>> open() override {
    co_await rpc::or_return(Clients::open());
    for (uint32_t i = 0; i < options_.callers; ++i) streams_.push_back(co_await rpc::or_return(client(i).talk()));
    co_return Result<void>();
  }
  rpc::Task<Result<void>> call(uint32_t caller) override {
    auto& stream = streams_[caller];
    co_await rpc::or_return(stream.write(message_of(text_)));
    const auto answer = co_await rpc::or_return(stream.read());
    if (!answer || answer->value() != text_) co_return fail_wrong_answer(options_, answer ? answer->value().size() : 0);
    co_return Result<void>();
  }

 private:
  std::vector<rpc::BidiStream<StringValue, StringValue>> streams_;
};

}  // namespace

std::unique_ptr<Target> make_echo_target(const LoadOptions& options) { return std::make_unique<EchoTarget>(options, options.protocol); }
std::unique_ptr<Target> make_proto_target(const LoadOptions& options) { return std::make_unique<ProtoTarget>(options, "grpc"); }
std::unique_ptr<Target> make_stream_target(const LoadOptions& options) { return std::make_unique<StreamTarget>(options, "grpc"); }

}  // namespace bench
