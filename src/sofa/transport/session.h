#pragma once
// Session: one Bolt connection, symmetric. Either side sends requests, each with its own ids; frames of one loop turn leave in one write.
//
//   SessionRef session = Session::create(std::move(stream), SessionOptions::client(), &handlers);
//   group.spawn("bolt session", session->run());
//   Result<Response> answer = co_await session->call({.class_name = "com.acme.Ask", .content = bytes});

#include "sofa/transport/handler.h"
#include "sofa/transport/session_base.h"
#include "sofa/wire/bolt/frame_writer.h"

namespace sofa::transport {

/// What to ask the peer. Class name, header and content are used before `call` or `oneway` returns; only `content` may be kept (shared, not copied).
struct Request {
  std::string_view class_name;
  ByteSpan header;
  Bytes content;
  uint8_t codec = bolt::kCodecHessian;
  Duration timeout = std::chrono::seconds(3);  ///< sent in the frame, in ms, rounded up; zero or less: ends as a timeout without being sent
};

/// What the peer answered: any status, success or not; an error status may carry class and content too.
struct Response {
  bolt::Frame frame;
  bolt::Status status() const { return frame.status; }
  bool ok() const { return frame.status == bolt::Status::success; }
};

/// `Result<Response> r = co_await session->call(request)` (see CallOf).
using Call = CallOf<Response>;

/// Belongs to the shard it was created on; every member is called there. Kept by SessionRef.
class Session final : public SessionBase {
 public:
  using Options = SessionOptions;
  using Handler = const Handlers;
  /// `prefix`: bytes that were read from the stream already. `handlers` (null: none) and `shared` (null: none) outlive the session.
  static SessionRef create(io::Stream stream, SessionOptions options, const Handlers* handlers = nullptr, SessionShared* shared = nullptr,
                           Buffer prefix = {});

  /// Sends a request. Errors (see status.h) come out of the awaited Call; the connection may be used on.
  Call call(const Request& request) {
    return Call(*this, request.timeout, [&] { return begin_call(request); });
  }
  /// Sends a request that gets no answer. Fails as a call does; ok says only that it is queued.
  Result<void> oneway(const Request& request);

  /// Closes in good order: a peer that knows GoAway gets it, is answered what it sends until it has heard, and closes after its last answer. Any
  /// other gets "busy" for new requests, and the end after the last answer to those in flight. Own pending calls are waited for too.
  void drain();

  /// The id that the next call tries first (ids are unsigned and wrap; those still pending are skipped). For tests.
  void set_next_id(uint32_t id) { next_id_ = id; }

 private:
  friend class Responder;
  Session(io::Stream stream, const SessionOptions& options, const Handlers* handlers, SessionShared* shared, Buffer prefix);
  ~Session() override;

  // Reading
  void take_frames() override;
  size_t frame_size() const override { return parser_.frame_size(); }
  void on_frame(bolt::Frame& frame);
  void on_request(bolt::Frame& frame);
  void on_response(bolt::Frame& frame);
  void on_heartbeat(const bolt::Frame& frame);
  void on_too_large(const bolt::Frame& head);
  const Handlers::Entry* find_handler(std::string_view class_name);

  // Writing
  bolt::FrameHead answer_head(const bolt::FrameHead& request, bolt::Status status) const;
  void send_status(const bolt::FrameHead& request, bolt::Status status);
  void announce_goaway();
  void send_heartbeat() override;
  void wrote_frame() { SessionBase::wrote_frame(out_.size()); }
  size_t unsent() const override { return out_.size(); }
  void flush() override;
  void release_output() override { out_.release(); }

  // Calls
  Result<uint32_t> begin_call(const Request& request);
  Result<void> append_request(bolt::FrameType type, const Request& request, uint32_t id);

  // Life
  bool may_end() const override;
  void tell_to_go();
  void refuse(const bolt::FrameHead& request, CloseKind kind, std::string reason);

  const Handlers* handlers_;
  bolt::FrameParser parser_;
  bolt::FrameWriter out_;
  bolt::FrameHead channel_;     // protocol and version of what this side sends first
  bool channel_fixed_ = false;  // the peer's first frame has come
  bool peer_knows_goaway_ = false;
  bool peer_is_told_ = false;  // by GoAway: it closes, after its last answer
  const Handlers::Entry* last_handler_ = nullptr;
};

}  // namespace sofa::transport
