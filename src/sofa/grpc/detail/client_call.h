#pragma once
// One call on the client's side.

#include <optional>

#include "sofa/grpc/client.h"
#include "sofa/grpc/detail/inbox.h"
#include "sofa/io/timer.h"

namespace sofa::grpc::detail {

/// Belongs to its shard. Its owner starts it once; destroyed before its end it is cancelled.
class ClientCall final : public http::MessageSink {
 public:
  /// `path` and the callers' objects of `options` outlive it.
  ClientCall(std::string_view path, const CallOptions& options, size_t max_message, Deadline deadline);
  ~ClientCall();

  /// From connection->start(); the head is sent.
  void attach(http::ExchangePtr exchange);

  /// As ClientStream has it.
  void set_encoding(Encoding encoding) { encoding_ = options_.encoding == Encoding::identity ? Encoding::identity : encoding; }
  Result<void> send(ByteSpan message, bool end);
  Result<void> finish_writes();
  io::Task<Result<void>> writable() { return inbox_.writable(); }

  /// The next message; nothing when the server has ended with OK.
  io::Task<Result<std::optional<Bytes>>> read();
  /// The one message of a call without streams.
  io::Task<Result<Bytes>> read_only();
  io::Task<Result<const http::Headers*>> headers();
  const http::Headers& trailers() const { return trailers_; }
  bool message_was_compressed() const { return inbox_.was_compressed(); }
  /// The server has not begun with it: it may be sent again.
  bool not_processed() const;

  void on_response(http::ResponseHead& head, bool final) override;
  void on_data(ByteSpan data) override;
  void on_end(http::Headers& trailers) override;
  void on_abort(Error error) override;
  void on_writable() override { inbox_.wake(); }

 private:
  static void on_deadline(void* self);
  Result<void> status() const;
  void keep_metadata();

  const std::string_view path_;
  const CallOptions& options_;
  const Deadline deadline_;
  http::ExchangePtr exchange_;
  Inbox inbox_;
  Encoding encoding_;  // of the messages that are sent
  std::optional<http::ResponseHead> head_;
  http::Headers trailers_;
  bool is_grpc_ = true;  // the answer; else its body is dropped, and its head tells the status
  bool writes_finished_ = false;
  io::TimerNode timer_{&on_deadline, this};
};

}  // namespace sofa::grpc::detail
