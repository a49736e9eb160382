#include "sofa/grpc/detail/server_call.h"
#include "sofa/io/shard.h"

namespace sofa::grpc::detail {

UnaryExchange::UnaryExchange(http::ExchangePtr exchange, const Opening& opening, ServerShard& shard, UnaryHandler& handler)
    : CallOf(std::move(exchange), opening, shard), handler_(handler), deframer_(shard.options.max_receive_message, opening.encoding) {
  if (opening.deadline != kNoDeadline) io::Shard::current().schedule(timer_, opening.deadline);
}

UnaryExchange::~UnaryExchange() {
  if (!core_.is_over()) core_.send_status(fail(Code::internal, "the service dropped the call of {} without an answer", path()));
}

void UnaryExchange::refuse(Error error) {
  core_.send_status(std::unexpected(std::move(error)));
  delete this;
}

void UnaryExchange::on_data(ByteSpan data) {
  core_.exchange().consumed(data.size());
  if (core_.is_over()) return;
  if (message_) return refuse(Error(Code::internal, fmt::format("more than one message came for {}, which takes one", path())));
  deframer_.feed(data);
  auto message = deframer_.next();
  if (!message) return refuse(std::move(message.error()));
  message_ = std::move(*message);
  if (auto held = core_.exchange().hold(message_ ? message_->size() : deframer_.held()); !held) return refuse(std::move(held.error()));
  if (message_ && deframer_.is_inside()) {
    refuse(Error(Code::internal, fmt::format("more than one message came for {}, which takes one", path())));
  }
}

void UnaryExchange::on_end(http::Headers&) {
  if (core_.is_over()) return;
  if (!message_) return refuse(Error(Code::internal, fmt::format("the request of {} ended without a whole message", path())));
  ServerShard& shard = core_.shard();
  if (auto room = shard.room_for_call(); !room) return refuse(std::move(room.error()));
  core_.count_in(shard.running);
  shard.counters.messages_in.add();
  handed_over_ = true;
  handler_.handle(std::unique_ptr<UnaryCall>(this));
}

void UnaryExchange::gone() {
  if (!handed_over_) {
    delete this;
  } else if (auto* callback = std::exchange(cancelled_, nullptr); callback != nullptr) {
    callback(cancelled_context_);
  }
}

void UnaryExchange::on_abort(Error error) {
  const bool too_slow = error.code() == Code::deadline_exceeded && !handed_over_;
  if (too_slow) core_.send_status(fail(Code::deadline_exceeded, "the message of {} did not come in time: {}", path(), error.message()));
  core_.abort();
  timer_.cancel();
  gone();
}

void UnaryExchange::on_hang_up() {
  hung_up_ = true;
  if (!core_.is_over()) gone();
}

void UnaryExchange::on_deadline(void* context) {
  auto& self = *static_cast<UnaryExchange*>(context);
  if (self.core_.is_over()) return;
  self.core_.send_status(fail(Code::deadline_exceeded, "{} was not answered within the caller's deadline", self.path()));
  self.gone();
}

void UnaryExchange::on_cancelled(void (*callback)(void*), void* context) {
  if (hung_up_ || is_cancelled()) return callback(context);
  cancelled_ = callback;
  cancelled_context_ = context;
}

Buffer& UnaryExchange::begin_answer() {
  constexpr size_t kKept = 64 * 1024;  // one that grew for a big answer is given back
  Buffer& out = core_.shard().out;
  out.clear();
  if (out.room() > kKept) out = Buffer();
  out.extend(kPrefix);
  return out;
}

void UnaryExchange::finish_answer(Result<void> encoded) {
  Buffer& out = core_.shard().out;
  timer_.cancel();
  cancelled_ = nullptr;
  if (core_.is_over()) return;
  if (encoded) encoded = core_.send_encoded(out);
  core_.send_status(encoded);
}

}  // namespace sofa::grpc::detail
