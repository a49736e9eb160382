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

void refuse(http::Exchange& exchange, ShardServer& server) {
  server.counters().busy.add();
  [[maybe_unused]] const auto sent = http::respond_text(exchange, 503, kFull, {{"retry-after", "1"}});
}

class GuestExchange final : public http::RunningFilter, public Recycled {
 public:
  GuestExchange(http::ExchangePtr inner, ShardServer& server)
      : RunningFilter(std::move(inner)), calls_(server.calls()), trace_(trace_context(request().headers)), context_(server) {
    // Pairs of our own making: they can be read.
    ServerCallAccess::fill(context_, {}, {}, *this, kNoDeadline, *bolt::HeaderMap::parse(trace_.span()));
    context().work = &context_;
  }
  Result<void> send_response(int status, const http::Headers& headers, bool end) override {
    if (trace_.size() == 0) return RunningFilter::send_response(status, headers, end);
    http::Headers traced = headers;
    add_trace_fields(request().headers, traced);
    return RunningFilter::send_response(status, traced, end);
  }

 private:
  bool may_begin() override { return !calls_->is_full(); }
  void begin() override { running_.emplace(calls_); }
  void refuse() override { detail::refuse(inner(), context_.server); }

  const std::shared_ptr<CallsOfShard> calls_;  // the server may go before the exchange
  std::optional<ShardServer::Guest> running_;
  const Buffer trace_;
  GuestContext context_;
};

}  // namespace

void HttpGuests::handle(http::ExchangePtr exchange) {
  ShardServer& server = here();
  if (server.is_full()) return refuse(*exchange, server);
  next().handle(std::make_unique<GuestExchange>(std::move(exchange), server));
}

ShardServer* server_of(http::Exchange& exchange) {
  const auto* context = dynamic_cast<const GuestContext*>(exchange.context().work);
  return context == nullptr ? nullptr : &context->server;
}

}  // namespace sofa::rpc::detail
