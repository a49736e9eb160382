#include "sofa/grpc/detail/server_call.h"
#include "sofa/io/scope.h"

namespace sofa::grpc::detail {

StreamExchange::StreamExchange(http::ExchangePtr exchange, const Opening& opening, ServerShard& shard)
    : CallOf(std::move(exchange), opening, shard), inbox_(core_.exchange(), shard.options.max_receive_message, opening.encoding) {
  core_.count_in(shard.open_streams);
  core_.exchange().let_body_rest();
}

// A group that was cancelled before the task began leaves the call without a status.
StreamExchange::~StreamExchange() {
  if (!core_.is_over()) core_.send_status(fail(Code::unavailable, "the server is stopping"));
}

io::Task<void> StreamExchange::run(std::unique_ptr<StreamExchange> call, StreamHandler& handler) {
  io::Scope scope(&co_await io::current_scope(), nullptr, call->deadline());
  call->scope_ = &scope;
  if (const Error* failure = call->inbox_.failure(); failure != nullptr) scope.cancel(*failure);
  Result<void> done;
  try {
    done = co_await handler.handle(*call).in(scope);
  } catch (const std::exception& e) {
    done = fail(Code::unknown, "{}", e.what());
  }
  call->scope_ = nullptr;
  if (scope.cancelled()) done = std::unexpected(scope.reason());
  call->core_.send_status(done);
}

io::Task<Result<std::optional<Bytes>>> StreamExchange::read() {
  auto message = co_await inbox_.read();
  if (message && *message) core_.shard().counters.messages_in.add();
  co_return message;
}

io::Task<Result<void>> StreamExchange::write(Bytes message) {
  if (inbox_.failure() != nullptr) co_return std::unexpected(*inbox_.failure());
  co_await io::or_return(core_.send_message(message));
  co_return co_await inbox_.writable();
}

void StreamExchange::on_data(ByteSpan data) {
  inbox_.on_data(data);
  if (const Error* failure = inbox_.failure(); failure != nullptr && scope_ != nullptr) scope_->cancel(*failure);
}
void StreamExchange::on_end(http::Headers&) { inbox_.on_end(); }
void StreamExchange::on_writable() { inbox_.wake(); }

void StreamExchange::on_abort(Error error) {
  core_.abort();
  cancel(Error(Code::cancelled, fmt::format("the caller of {} is gone", path())).with_cause(std::move(error)));
}

void StreamExchange::on_hang_up() { cancel(Error(Code::cancelled, fmt::format("the caller of {} is gone", path()))); }

void StreamExchange::cancel(Error error) {
  inbox_.abort(std::move(error));
  if (scope_ != nullptr) scope_->cancel(*inbox_.failure());
}

}  // namespace sofa::grpc::detail
