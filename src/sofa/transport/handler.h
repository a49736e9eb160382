#pragma once
// What a connection does with the requests of its peer: handlers by class name, each of which answers now or later.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/transport/detail/ref.h"
#include "sofa/wire/bolt/frame.h"
#include "sofa/wire/bolt/header_map.h"

namespace sofa::transport {

class Session;
/// Keeps a Session in memory; it may be closed. Not atomic: stays on the session's shard.
using SessionRef = Ref<Session>;

/// A request of the peer. A handler that answers later moves `frame` away; `header` then stays valid as long as that frame lives.
struct IncomingRequest {
  bolt::Frame& frame;
  bolt::HeaderMap header;  ///< empty when the handler was added with HeaderKind::opaque
  Session& session;
  Instant arrival;  ///< start of the loop turn that read it, on the shard's clock

  bool oneway() const { return frame.type == bolt::FrameType::oneway; }
};

/// Answers one request, at most once, on the session's shard: at once or later. After the connection has ended an answer goes nowhere, in silence.
/// Dropped without an answer it sends status 2 (server_exception). For a oneway request every answer is swallowed.
class Responder {
 public:
  Responder() = default;
  /// The first move makes the request count as in flight until it is answered.
  Responder(Responder&& other) noexcept;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  /// The service's result: codec and switch of the request. Fails with invalid_argument when it does not fit a frame; the peer then gets
  /// status 0x11 (server_serial_exception).
  Result<void> answer(std::string_view class_name, ByteSpan header, Bytes content);
  /// Any other status, as the original makes it: switch 0, so no CRC (docs/protocols/bolt.md, section 1.2).
  Result<void> answer_error(bolt::Status status, std::string_view class_name = {}, ByteSpan header = {}, Bytes content = {},
                            uint8_t codec = bolt::kCodecHessian);

  /// Encodes a result straight into the connection's write buffer: `encode(buffer)` appends the content and must not touch the session.
  /// When it returns false, or throws, the frame is taken back and the request is still unanswered.
  template <class Encode>
  Result<bool> answer_with(std::string_view class_name, ByteSpan header, Encode&& encode) {
    Buffer discarded;
    Result<Buffer*> content = begin(class_name, header, discarded);
    if (!content) return forward_error(content);
    bool keep = false;
    try {
      keep = encode(**content);
    } catch (...) {
      abandon(*content == &discarded);
      throw;
    }
    if (!keep) return abandon(*content == &discarded), false;
    return finish(*content == &discarded);
  }

  /// Ends the request without an answer: its caller has given up already.
  void discard() {
    if (!answered()) done();
  }

  bool answered() const { return session_ == nullptr || answered_; }
  bool oneway() const { return request_.type == bolt::FrameType::oneway; }
  const bolt::FrameHead& request() const { return request_; }
  /// The connection, kept in memory by this responder; null when moved from.
  Session* session() const { return session_.get(); }

 private:
  friend class Session;
  Responder(Session& session, const bolt::FrameHead& request);
  Result<void> send(const bolt::FrameHead& head, std::string_view class_name, ByteSpan header, Bytes content);
  Result<Buffer*> begin(std::string_view class_name, ByteSpan header, Buffer& discarded);
  void abandon(bool discarded);
  Result<bool> finish(bool discarded);
  void done();

  SessionRef session_;
  bolt::FrameHead request_;
  bool answered_ = false;
  bool counted_ = false;
};

/// Called on the shard of the connection, so by several threads when shards share it. Must not block and must not throw: an
/// exception costs the connection (CloseKind::handler_fault), and an unanswered request gets status 2 before.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Answers through `responder`, or moves it (and what it needs of `request`) away to answer later.
  virtual void handle(IncomingRequest& request, Responder& responder) = 0;
};

/// What the header bytes of a class are.
enum class HeaderKind : uint8_t {
  map,     ///< the header map of bolt.md 1.6; a broken one gets status 9 and ends the connection
  opaque,  ///< bytes of a serializer of the handler's own
};

/// Handlers by request class name. Fixed before the first connection uses it; then shared by all shards, read only. Handlers outlive it.
class Handlers {
 public:
  struct Entry {
    std::string class_name;
    Handler* handler;
    HeaderKind header;
  };
  /// Fails with already_exists when the class has a handler.
  Result<void> add(std::string class_name, Handler& handler, HeaderKind header = HeaderKind::map);
  /// Gets every request whose class has no handler. Without one such a request is answered with status 2, no class, no content.
  void set_fallback(Handler& handler) { fallback_ = Entry{{}, &handler, HeaderKind::opaque}; }
  /// The entry of a class, or the fallback, or null.
  const Entry* find(std::string_view class_name) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
  Entry fallback_{{}, nullptr, HeaderKind::opaque};
};

}  // namespace sofa::transport
