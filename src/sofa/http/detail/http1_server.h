#pragma once
// A served connection of HTTP/1.1 and the exchanges on it.
//
//   stream ──> in_ ──> RequestParser ──> ServerExchange ──> sink of the handler
//   stream <── replies, in the order of their requests <── send_response, send_data
//
// Requests that are safe (RFC 9110, 9.2.1) run beside each other when they come pipelined, each with a Reply that waits for its turn. Any other one,
// and one that asks for an upgrade, begins when all before it are answered, and nothing begins before its own answer (RFC 9112, 9.3.2).

#include <list>

#include "sofa/base/log.h"
#include "sofa/base/recycled.h"
#include "sofa/http/detail/held_body.h"
#include "sofa/http/detail/http1_parser.h"
#include "sofa/http/detail/http1_writer.h"
#include "sofa/http/server.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"

namespace sofa::http::detail {

class ServerExchange;

/// The answer of one request, in line for the stream.
struct Reply {
  ServerExchange* exchange = nullptr;  ///< null when its user has dropped it
  GatherList waiting;                  ///< bytes that wait for their turn
  bool whole = false;
  bool last = false;  ///< the connection closes after it
  bool cut = false;   ///< given up: the connection closes in the middle of it
};

/// What the connections of one protocol have in common.
struct ServerContext {
  Handler& handler;
  const Http1Options& options;
  LogRate& refusal_log;
  bool takes_h2c = false;
};

/// A connection that goes on as HTTP/2: 101 is written, the request is unanswered.
struct H2cUpgrade {
  io::Stream stream;
  Buffer prefix;
  RequestHead request;
  std::string settings;  // of "http2-settings", decoded
};

class ServerConnection {
 public:
  ServerConnection(io::Stream stream, Buffer prefix, ServerContext context, transport::Connection& connection);
  /// To its end; all tasks of the connection have ended then, and exchanges that live on are aborted.
  io::Task<void> serve();
  /// After serve(): what goes on as HTTP/2, if it does.
  std::optional<H2cUpgrade> take_upgrade() { return std::move(upgrade_); }

 private:
  friend class ServerExchange;
  enum class Close : uint8_t { no, flushed, lingering, at_once, handed_over };

  // Reading.
  io::Task<void> read_loop();
  /// Takes what has come, as far as it may be taken now; blocked_ tells that something of ours must happen first.
  void take_input();
  /// Until something of ours has happened, so that input may be taken again. Between messages the peer is watched meanwhile.
  io::Task<void> wait_for_turn();
  bool take_step();
  void take_raw();
  bool take_held_head();
  bool may_begin();
  void begin_exchange();
  /// Switches to HTTP/2 when the head at hand asks for it and it is taken.
  bool hand_over();
  void on_body(ByteSpan data);
  void on_message_end();
  void refuse(const Refusal& refusal);
  void fill_refusal(Reply& reply, const Refusal& refusal);
  void on_end_of_stream();
  /// Reads what comes, as far as there is room, while requests run: the peer's end is told to them.
  io::Task<void> watch_for_end();
  void tell_hang_up();
  size_t window() const;
  /// Nothing runs: no request is answered and none comes in, but for the beginning of a head.
  bool rests() const { return replies_.empty() && !message_open_; }
  /// Nothing is read any more: the last request is whole.
  bool reading_is_over() const { return close_ != Close::no || (no_more_ && !message_open_ && !raw_); }

  // Writing, called by exchanges.
  bool is_front(const Reply& reply) const { return !replies_.empty() && &replies_.front() == &reply; }
  /// Bytes of the reply that are not yet on their way to the socket.
  size_t waiting_bytes(const Reply& reply) const { return is_front(reply) ? stream_.pending_write_bytes() : reply.waiting.size(); }
  Result<void> check_room(const Reply& reply, size_t size) const;
  Result<void> emit(Reply& reply, GatherList&& bytes);
  Result<void> write(GatherList&& bytes);
  /// With so many bytes more; false when the connection is to close.
  bool count_unsent(size_t more = 0);
  void give_up_answers();
  /// A reply is whole or cut: moves the line on.
  void settle();
  void watch_writes();
  io::Task<void> wait_for_low_water();
  std::string_view date();

  // The end.
  void close(Close how, transport::CloseKind kind);
  void drain();
  void tell_drain();
  void on_stream_failed(const Error& error);
  void abort_exchanges();
  io::Task<void> finish();
  io::Task<Result<void>> discard_until_end();
  void arm_timer();
  Instant deadline() const;
  /// When the body that comes is too slow.
  Instant body_deadline() const;
  void on_timer();

  io::Shard& shard_;
  io::Stream stream_;
  Buffer in_;
  const ServerContext context_;
  const Http1Options& options_;
  transport::Connection& connection_;
  const io::Address peer_;
  RequestParser parser_;
  HeldHeads held_heads_;  // of the exchanges that know the connection
  std::list<Reply> replies_;
  size_t replies_waiting_ = 0;  // bytes of replies_ that wait for their turn
  transport::AnswerAccount answers_;
  ServerExchange* receiver_ = nullptr;  // whose body comes in; null when its user has dropped it
  bool message_open_ = false;           // a head was taken, and not the end of its message
  bool head_held_ = false;              // that head waits for its turn
  bool in_head_ = false;                // the next head has begun
  bool exclusive_ = false;              // the request that runs lets no other begin
  bool upgrade_asked_ = false;          // by the request that runs: what follows it may be another protocol
  bool raw_ = false;                    // after 101
  bool blocked_ = false;                // input waits for something of ours
  bool no_more_ = false;                // the request at hand is the last one
  bool end_seen_ = false;               // the peer has closed its side
  bool draining_ = false;
  bool drain_told_ = false;  // to the user of an upgraded exchange
  bool watching_ = false;
  size_t unread_ = 0;     // bytes of the body that the user has not given back
  size_t discarded_ = 0;  // bytes of the body that nobody wanted
  uint32_t requests_ = 0;
  Close close_ = Close::no;
  std::optional<Error> failure_;
  std::optional<H2cUpgrade> upgrade_;
  Instant last_activity_;
  Instant head_begun_;
  Instant body_begun_;          // later by the time in which its window was shut
  uint64_t body_received_ = 0;  // of the request whose body comes
  bool body_timed_ = false;     // it has to come at a rate
  Instant armed_for_;
  Instant drain_begun_;
  transport::SessionStats stats_;
  int64_t date_second_ = -1;
  std::string date_;
  io::Event wake_;
  std::optional<io::Scope> reading_;
  io::TimerNode timer_{[](void* self) { static_cast<ServerConnection*>(self)->on_timer(); }, this};
  io::TaskGroup tasks_;
};

class ServerExchange final : public Exchange, public Recycled {
 public:
  ServerExchange(ServerConnection& connection, Reply& reply, RequestHead head, const MessageFacts& facts);
  ~ServerExchange() override;

  const io::Address& peer() const override { return peer_; }
  std::string_view peer_certificate_name() const override { return certificate_name_; }
  void consumed(size_t n) override;
  void let_body_rest() override;
  Result<void> hold(size_t bytes) override;
  Result<void> room_for(size_t bytes) const override;
  Result<void> send_response(int status, const Headers& headers, bool end) override;
  Result<void> send_data(Bytes data, bool end) override;
  Result<void> send_trailers(const Headers& trailers) override;
  void reset(Reset reason) override;
  size_t pending_bytes() const override;
  bool write_blocked() const override { return write_blocked_; }

 private:
  friend class ServerConnection;
  enum class State : uint8_t { before_head, body, done };

  Result<void> check_state(State wanted) const;
  void send_continue();
  Result<void> send_interim(int status, const Headers& headers);
  Result<void> switch_protocols(const Headers& headers);
  Framing begin_body(int status, const Headers& headers, bool end);
  Result<void> send(GatherList&& bytes, bool end);
  void finish();
  void abort(Error error);
  /// The connection knows it no more.
  void detach();
  void let_go_of_budget();

  ServerConnection* connection_;  // null when it has ended, or both messages have
  Reply* reply_;                  // null when it is whole
  const io::Address peer_;
  const std::string certificate_name_;
  const bool may_upgrade_;
  HeldBody held_;
  size_t head_size_;  // as the connection holds it
  State state_ = State::before_head;
  bool request_whole_ = false;
  bool wants_continue_ = false;  // 100 was asked for and not sent
  bool hang_up_told_ = false;
  bool write_blocked_ = false;
  BodyWriter body_;
  std::optional<Error> failure_;
};

}  // namespace sofa::http::detail
