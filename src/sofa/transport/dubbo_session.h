#pragma once
// DubboSession: one Dubbo 2 connection, symmetric. Either side sends requests; what was written in one loop turn leaves in one write.
//
//   DubboSessionRef session = DubboSession::create(std::move(stream), DubboSessionOptions::client());
//   group.spawn("dubbo session", session->run());
//   Result<dubbo::Frame> answer = co_await session->call(body, std::chrono::seconds(3));

#include <string>

#include "sofa/transport/session_base.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/frame_codec.h"

namespace sofa::transport {

class DubboSession;
/// Keeps a DubboSession in memory; it may be closed. Not atomic: stays on the session's shard.
using DubboSessionRef = Ref<DubboSession>;

/// Rules of one connection: those of SessionOptions, but for what only Bolt knows (protocol, version, send_goaway). Heartbeats and idle times are
/// Dubbo's (docs/protocols/dubbo.md, section 4).
struct DubboSessionOptions : SessionOptions {
  Duration readonly_grace = std::chrono::milliseconds(100);  ///< a drain serves what still arrives for so long after READONLY was sent

  static DubboSessionOptions client() {
    DubboSessionOptions options;
    options.heartbeat_interval = std::chrono::seconds(60);
    return options;
  }
  static DubboSessionOptions server() {
    DubboSessionOptions options;
    options.heartbeat_interval = Duration::zero();
    options.idle_timeout = std::chrono::seconds(180);
    return options;
  }
};

/// A request of the peer that is no event, in Hessian. A handler that answers later moves `frame` away.
struct DubboRequest {
  dubbo::Frame& frame;
  DubboSession& session;
  Instant arrival;  ///< start of the loop turn that read it, on the shard's clock
};

/// Answers one request, at most once, on the session's shard: at once or later. After the connection has ended an answer goes nowhere, in silence.
/// Dropped without an answer it sends status 80. To a request that wants no answer (no two-way flag) nothing is ever sent.
class DubboResponder {
 public:
  /// The first move makes the request count as in flight until it is answered.
  DubboResponder(DubboResponder&& other) noexcept;
  DubboResponder& operator=(DubboResponder&&) = delete;
  ~DubboResponder();

  /// Status ok: `encode(buffer)` appends the body to the write buffer of the connection, gives false to take it back (the request is then still
  /// unanswered), and must not touch the session. True: answered. A body over 2 GiB is answered with status 50.
  template <class Encode>
  bool answer_with(Encode&& encode) {
    Buffer discarded;
    Buffer& out = begin(discarded);
    const size_t offset = dubbo::begin_frame(out, dubbo::response_to(request_, dubbo::Status::ok));
    bool keep = false;
    try {
      keep = encode(out);
    } catch (...) {
      out.truncate(offset);
      throw;
    }
    if (keep) return finish(out, offset), true;
    out.truncate(offset);
    return false;
  }
  /// Another status, and its sentence.
  void answer_error(dubbo::Status status, std::string_view sentence);
  /// Ends the request without an answer: its caller has given up already.
  void discard() {
    if (!answered_) done();
  }

  bool answered() const { return answered_; }
  bool oneway() const { return !request_.two_way; }
  const dubbo::FrameHead& request() const { return request_; }
  /// The connection, kept in memory by this responder.
  DubboSession& session() const { return *session_; }

 private:
  friend class DubboSession;
  DubboResponder(DubboSession& session, const dubbo::FrameHead& request) : session_(session), request_(request) {}
  bool silent() const;
  Buffer& begin(Buffer& discarded);
  void finish(Buffer& out, size_t offset);
  void done();

  DubboSessionRef session_;
  dubbo::FrameHead request_;
  bool answered_ = false;
  bool counted_ = false;
};

/// What a connection does with the requests of its peer. Called on the shard of the connection, so by several threads when shards share it.
class DubboHandler {
 public:
  virtual ~DubboHandler() = default;
  /// Answers through `responder`, or moves it (and what it needs of `request`) away to answer later. Must not block and must not throw: an exception
  /// costs the connection.
  virtual void handle(DubboRequest& request, DubboResponder& responder) = 0;
  /// A line of a text connection (docs/protocols/dubbo.md, section 6), without its end; the answer may have several lines.
  virtual io::Task<std::string> command(std::string line, const io::Address& peer) = 0;
};

/// Its answer is a frame of any status (see CallOf).
using DubboCall = CallOf<dubbo::Frame>;

/// Belongs to the shard it was created on; every member is called there. Kept by DubboSessionRef.
class DubboSession final : public SessionBase {
 public:
  using Options = DubboSessionOptions;
  using Handler = DubboHandler;
  /// `prefix`: bytes that were read from the stream already. `handler` (null: none; every request gets status 40) and `shared` (null: none) outlive
  /// it.
  static DubboSessionRef create(io::Stream stream, DubboSessionOptions options, DubboHandler* handler = nullptr, SessionShared* shared = nullptr,
                                Buffer prefix = {});

  /// Sends a call whose body is encoded already (dubbo::write_call_head and the rest). Errors carry a TransportStatus.
  DubboCall call(ByteSpan body, Duration timeout) {
    return DubboCall(*this, timeout, [&] { return begin_call(body); });
  }
  /// Sends a request that gets no answer; ok says only that it is queued.
  Result<void> oneway(ByteSpan body);

  /// Closes in good order: sends READONLY, answers what comes within the grace and what runs, then ends. Own pending calls are waited for too.
  void drain();

 private:
  friend class DubboResponder;
  DubboSession(io::Stream stream, const DubboSessionOptions& options, DubboHandler* handler, SessionShared* shared, Buffer prefix);
  ~DubboSession() override;

  // Reading
  void take_frames() override;
  size_t frame_size() const override { return parser_.frame_size(); }
  void on_frame(dubbo::Frame& frame);
  void on_event(const dubbo::Frame& frame);
  void on_request(dubbo::Frame& frame);
  void on_response(dubbo::Frame& frame);
  void on_too_large(const dubbo::FrameHead& head);

  // Writing
  void send_error(const dubbo::FrameHead& request, dubbo::Status status, std::string_view sentence);
  void send_event(dubbo::Event event, bool two_way);
  void send_heartbeat() override;
  void wrote_frame() { SessionBase::wrote_frame(out_.size()); }
  size_t unsent() const override { return out_.size(); }
  void flush() override;
  void release_output() override {
    if (out_.empty()) out_ = Buffer();
  }

  // Calls
  Result<uint32_t> begin_call(ByteSpan body);
  DubboCall* take_pending(uint64_t id);

  bool may_end() const override;

  const Duration readonly_grace_;
  DubboHandler* handler_;
  dubbo::FrameParser parser_;
  Buffer out_;
};

}  // namespace sofa::transport
