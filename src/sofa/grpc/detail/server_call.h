#pragma once
// One call on the server's side: what unary calls and streams have in common, and the two.

#include <vector>

#include "sofa/base/metrics.h"
#include "sofa/base/recycled.h"
#include "sofa/grpc/detail/inbox.h"
#include "sofa/grpc/server.h"
#include "sofa/io/task_group.h"

namespace sofa::grpc::detail {

/// Of one shard of a server, as long as the server is there.
struct Counters {
  Counter started, succeeded, failed, cancelled, messages_in, messages_out;
};

/// What one shard of a server has. Made and destroyed there.
struct ServerShard {
  ServerShard(const ServerOptions& server_options, Counters& shard_counters) : options(server_options), counters(shard_counters) {}
  /// Fails when as many run, or are open, as may.
  Result<void> room_for_call() const;
  Result<void> room_for_stream() const;

  const ServerOptions& options;
  Counters& counters;
  size_t running = 0;       // unary calls, from when their message is whole
  size_t open_streams = 0;  // from their head on
  Buffer out;               // answers are encoded into it and taken as slices
  io::TaskGroup streams;
};

/// What a request's head says.
struct Opening {
  Deadline deadline = kNoDeadline;
  Encoding encoding = Encoding::identity;
  bool accepts_gzip = false;
};

/// The sending half of a call, and the facts of its head.
class CallCore {
 public:
  CallCore(http::ExchangePtr exchange, const Opening& opening, ServerShard& shard);
  /// Counts how the call has ended.
  ~CallCore();

  http::Exchange& exchange() { return *exchange_; }
  const http::Exchange& exchange() const { return *exchange_; }
  const Opening& opening() const { return opening_; }
  ServerShard& shard() { return shard_; }
  /// Counts the call in one of the shard's numbers, until its end.
  void count_in(size_t& running) { ++*(counted_in_ = &running); }

  void add_header(std::string_view name, std::string_view value);
  void add_trailer(std::string_view name, std::string_view value);
  void set_encoding(Encoding encoding);

  /// Sends the head, if that has not been done, and the message that lies behind kPrefix free bytes in `out`, which is taken.
  Result<void> send_encoded(Buffer& out);
  Result<void> send_message(ByteSpan message);
  /// Ends the call; only the first time. Without a message before it the status goes with the head (trailers-only).
  void send_status(const Result<void>& status);
  bool is_over() const { return over_; }
  /// The peer is gone: nothing is sent any more.
  void abort() { over_ = true; }

 private:
  Result<void> check_metadata();
  Result<void> send_head();
  Result<void> send_framed(Bytes framed, size_t message_size);
  /// The error, which a line of the log tells, too.
  Result<void> not_sent(Result<void> error) const;
  bool compresses() const { return encoding_ == Encoding::gzip && head_encoding_ == Encoding::gzip; }

  http::ExchangePtr exchange_;
  const Opening opening_;
  ServerShard& shard_;
  size_t* counted_in_ = nullptr;  // null: nowhere yet
  http::Headers headers_, trailers_;
  Encoding encoding_ = Encoding::identity;
  Encoding head_encoding_ = Encoding::identity;  // "grpc-encoding" of the answer
  bool head_sent_ = false;
  bool over_ = false;
  enum class End : uint8_t { cancelled, succeeded, failed } end_ = End::cancelled;
};

/// The part of Call that both kinds answer in the same way.
template <class Base>
class CallOf : public Base, public http::MessageSink {
 public:
  template <class... Args>
  explicit CallOf(Args&&... args) : core_(std::forward<Args>(args)...) {
    core_.exchange().set_sink(this);
  }
  std::string_view path() const override { return core_.exchange().request().path(); }
  const http::Headers& metadata() const override { return core_.exchange().request().headers; }
  const io::Address& peer() const override { return core_.exchange().peer(); }
  std::string_view peer_certificate_name() const override { return core_.exchange().peer_certificate_name(); }
  Deadline deadline() const override { return core_.opening().deadline; }
  void add_header(std::string_view name, std::string_view value) override { core_.add_header(name, value); }
  void add_trailer(std::string_view name, std::string_view value) override { core_.add_trailer(name, value); }
  void set_encoding(Encoding encoding) override { core_.set_encoding(encoding); }
  Encoding request_encoding() const override { return core_.opening().encoding; }

 protected:
  CallCore core_;
};

/// Owns itself until its message is whole; then the handler owns it.
class UnaryExchange final : public CallOf<UnaryCall>, public Recycled {
 public:
  UnaryExchange(http::ExchangePtr exchange, const Opening& opening, ServerShard& shard, UnaryHandler& handler);
  ~UnaryExchange() override;

  ByteSpan message() const override { return *message_; }
  void drop_message() override { message_.emplace(); }
  bool is_cancelled() const override { return core_.is_over(); }
  bool message_was_compressed() const override { return deframer_.was_compressed(); }
  void on_cancelled(void (*callback)(void*), void* context) override;

  void on_data(ByteSpan data) override;
  void on_end(http::Headers& trailers) override;
  void on_abort(Error error) override;
  void on_hang_up() override;

 private:
  static void on_deadline(void* self);
  Buffer& begin_answer() override;
  void finish_answer(Result<void> encoded) override;
  /// Answers a request that its handler does not see; the last act.
  void refuse(Error error);
  void gone();

  UnaryHandler& handler_;
  Deframer deframer_;
  std::optional<Bytes> message_;
  bool handed_over_ = false;
  bool hung_up_ = false;
  void (*cancelled_)(void*) = nullptr;
  void* cancelled_context_ = nullptr;
  io::TimerNode timer_{&on_deadline, this};
};

/// Owned by the task that runs its handler.
class StreamExchange final : public CallOf<StreamCall> {
 public:
  StreamExchange(http::ExchangePtr exchange, const Opening& opening, ServerShard& shard);
  ~StreamExchange() override;

  static io::Task<void> run(std::unique_ptr<StreamExchange> call, StreamHandler& handler);

  io::Task<Result<std::optional<Bytes>>> read() override;
  io::Task<Result<void>> write(Bytes message) override;
  bool message_was_compressed() const override { return inbox_.was_compressed(); }

  void on_data(ByteSpan data) override;
  void on_end(http::Headers& trailers) override;
  void on_abort(Error error) override;
  void on_writable() override;
  void on_hang_up() override;

 private:
  void cancel(Error error);
  Inbox inbox_;
  io::Scope* scope_ = nullptr;  // of the handler, while it runs
};

/// Sends an answer that is a status alone.
void refuse(http::Exchange& exchange, const Error& error, const http::Headers& further = {});

}  // namespace sofa::grpc::detail
