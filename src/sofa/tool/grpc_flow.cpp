#include "sofa/tool/grpc_flow.h"

#include "sofa/io/scope.h"

namespace sofa::tool {

namespace {

class GrpcFlow final : public MessageFlow {
 public:
  GrpcFlow(grpc::Channel& channel, GrpcFlowOptions options) : channel_(channel), options_(std::move(options)) {}

  io::Task<Result<void>> next() override {
    auto moved = co_await io::with_timeout(options_.timeout, move());
    if (!moved) stop();
    co_return moved;
  }

  void stop() override { stream_.reset(); }

 private:
  io::Task<Result<void>> move() {
    if (!options_.client_streams) return receive();
    return options_.server_streams ? exchange() : send();
  }

  io::Task<Result<void>> open() {
    stream_ = co_await io::or_return(channel_.stream(options_.path, {.metadata = options_.metadata}));
    sent_ = 0;
    co_return Result<void>();
  }

  /// The next message of the server, which may begin a new call.
  io::Task<Result<void>> receive() {
    if (stream_ != nullptr && co_await io::or_return(stream_->read())) co_return Result<void>();
    co_await io::or_return(open());
    co_await io::or_return(stream_->write(options_.message));
    co_await io::or_return(stream_->finish_writes());
    co_return co_await answer();
  }

  /// The client's next message; with the last one of a call its answer is awaited.
  io::Task<Result<void>> send() {
    if (stream_ == nullptr) co_await io::or_return(open());
    co_await io::or_return(stream_->write(options_.message));
    if (++sent_ < options_.messages) co_return Result<void>();
    co_await io::or_return(stream_->finish_writes());
    co_await io::or_return(answer());
    const bool another = (co_await io::or_return(stream_->read())).has_value();  // its status comes behind the answer
    stop();
    if (another) co_return fail(Code::internal, "{} answered more than one message where it has one", options_.path.substr(1));
    co_return Result<void>();
  }

  io::Task<Result<void>> exchange() {
    if (stream_ == nullptr) co_await io::or_return(open());
    co_await io::or_return(stream_->write(options_.message));
    co_return co_await answer();
  }

  io::Task<Result<void>> answer() {
    if (co_await io::or_return(stream_->read())) co_return Result<void>();
    co_return fail(Code::failed_precondition, "{} ended without an answer to a message", options_.path.substr(1));
  }

  grpc::Channel& channel_;
  const GrpcFlowOptions options_;
  std::unique_ptr<grpc::ClientStream> stream_;  // null: the next message begins a call
  uint32_t sent_ = 0;                           // messages of this call
};

}  // namespace

std::unique_ptr<MessageFlow> grpc_flow(grpc::Channel& channel, GrpcFlowOptions options) {
  return std::make_unique<GrpcFlow>(channel, std::move(options));
}

}  // namespace sofa::tool
