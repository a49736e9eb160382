// An HTTP/2 server that gets any bytes behind the preface, over a pair of sockets.
#include <sys/socket.h>
#include <unistd.h>

#include "sofa/http/server.h"
#include "sofa/io/runtime.h"

namespace {

using namespace sofa;

/// Answers with what was asked, in every way that there is: the target's length chooses.
struct Answers final : http::Handler {
  struct One final : http::MessageSink {
    explicit One(http::ExchangePtr its) : exchange(std::move(its)) {}
    void on_data(ByteSpan data) override { exchange->consumed(data.size()); }
    void on_end(http::Headers&) override {
      const size_t way = exchange->request().target.size();
      const bool only_head = way % 4 == 0, with_trailers = way % 4 == 1;
      if (exchange->send_response(200, exchange->request().headers, only_head) && !only_head &&
          exchange->send_data(Bytes::literal("an answer"), !with_trailers) && with_trailers) {
        static_cast<void>(exchange->send_trailers({{"a", "trailer"}}));
      }
      delete this;
    }
    void on_abort(Error) override { delete this; }
    http::ExchangePtr exchange;
  };
  void handle(http::ExchangePtr exchange) override {
    http::Exchange& its = *exchange;
    its.set_sink(new One(std::move(exchange)));
  }
};

io::Task<void> serve(http::Http2Protocol& protocol, int descriptor) {
  const bool draining = false;
  transport::Connection connection(draining);
  auto stream = io::Stream::adopt(io::AcceptedSocket(descriptor, io::Address::unix_path("fuzz")));
  if (stream) co_await protocol.serve(std::move(*stream), Buffer(), connection);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static io::Runtime runtime({.shards = 1, .blocking_threads = 1, .file_threads = 1});
  static Answers answers;
  static http::Http2Options options = [] {
    http::Http2Options made;
    made.limits.linger = std::chrono::milliseconds(1);
    made.log_lines_per_second = 1;
    return made;
  }();
  static http::Http2Protocol protocol(answers, options);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return 0;
  const std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  // What does not fit into the socket is left out.
  if (::send(ends[1], preface.data(), preface.size(), MSG_NOSIGNAL) > 0) static_cast<void>(::send(ends[1], data, size, MSG_NOSIGNAL));
  ::shutdown(ends[1], SHUT_WR);
  runtime.block_on(serve(protocol, ends[0]));
  ::close(ends[1]);
  return 0;
}
