#include "sofa/rpc/detail/http_guest.h"

#include "sofa/base/recycled.h"
#include "sofa/rpc/detail/http_trace.h"
#include "sofa/rpc/detail/request_codec.h"

namespace sofa::rpc::detail {

namespace {

struct GuestContext final : Context {
  explicit GuestContext(ShardServer& its) : server(its) {}
  ShardServer& server;
};

class GuestExchange final : public http::ExchangeFilter, public Recycled {
 public:
  GuestExchange(http::ExchangePtr inner, ShardServer& server)
      : ExchangeFilter(std::move(inner)), running_(server.count_guest()), trace_(trace_context(request().headers)), context_(server) {
    // Pairs of our own making: they can be read.
    ServerCallAccess::fill(context_, {}, {}, *this, kNoDeadline, *bolt::HeaderMap::parse(trace_.span()));
    context().work = &context_;
  }
  Result<void> send_response(int status, const http::Headers& headers, bool end) override {
    if (trace_.size() == 0) return inner().send_response(status, headers, end);
    http::Headers traced = headers;
    add_trace_fields(request().headers, traced);
    return inner().send_response(status, traced, end);
  }

 private:
  const ShardServer::Guest running_;
  const Buffer trace_;
  GuestContext context_;
};

}  // namespace

void HttpGuests::handle(http::ExchangePtr exchange) {
  ShardServer& server = here();
  if (!server.is_full()) return next().handle(std::make_unique<GuestExchange>(std::move(exchange), server));
  server.counters().busy.add();
  [[maybe_unused]] const auto sent = http::respond_text(*exchange, 503, kFull, {{"retry-after", "1"}});
}

ShardServer* server_of(http::Exchange& exchange) {
  const auto* context = dynamic_cast<const GuestContext*>(exchange.context().work);
  return context == nullptr ? nullptr : &context->server;
}

}  // namespace sofa::rpc::detail
