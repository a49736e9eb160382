#include "sofa/http/client.h"
#include "sofa/http/detail/http2_connection.h"
#include "sofa/io/sync.h"

namespace sofa::http {

namespace {

class Http2Client final : public ClientConnection {
 public:
  Http2Client(io::Stream stream, Http2Options options)
      : options_(options), connection_(std::move(stream), detail::Http2Connection::Side::client, options_, nullptr, nullptr) {
    group_.spawn("http2 client", run());
  }

  Result<ExchangePtr> start(RequestHead request, MessageSink& sink, bool end) override { return connection_.start(std::move(request), sink, end); }
  bool can_start() const override { return connection_.check_can_start().has_value(); }
  size_t running() const override { return connection_.running(); }
  bool is_open() const override { return connection_.is_open(); }
  bool told_to_go() const override { return connection_.told_to_go(); }
  bool pinged_too_often() const override { return connection_.pinged_too_often(); }
  const io::Address& peer() const override { return connection_.peer(); }

  io::Task<Result<void>> ended() override { co_return co_await ended_.wait(); }

  io::Task<Result<void>> drain() override {
    connection_.drain();
    auto ended = co_await ended_.wait();
    co_await close();
    co_return ended;
  }

  io::Task<void> close() override {
    connection_.close("closed by this side");
    [[maybe_unused]] const auto joined = co_await group_.join();
  }

 private:
  io::Task<void> run() {
    co_await connection_.run();
    ended_.set();
  }

  const Http2Options options_;
  detail::Http2Connection connection_;
  io::Event ended_;
  io::TaskGroup group_;
};

}  // namespace

Result<std::unique_ptr<ClientConnection>> connect_http2(io::Stream stream, Http2Options options) {
  if (!stream.is_open()) return fail(Code::unavailable, "the stream is closed: connect it first");
  return std::make_unique<Http2Client>(std::move(stream), options);
}

}  // namespace sofa::http
