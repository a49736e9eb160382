#pragma once
// How a process lets the platform look into it: over one connection that it opens itself, so that it needs no port that the platform can reach, and
// is known to be gone when the connection is.
//
// On the wire: the process connects to the platform's port and sends one line, "SOFA-ATTACH/1 " and a ProcessHello as JSON. The answer is one line,
// "OK <id>" or "NO <why>". After OK the two speak HTTP/2 in which the platform is the client: it asks what an admin port would be asked, and says in
// "x-sofa-user" and "x-sofa-token" for whom, in "x-sofa-permissions" what they may (for a process without a gate of its own), and in
// "x-sofa-read-only" that a page asks which may change nothing; without a user it asks for itself, and may only see how the process does. The
// platform sends a PING when it has heard nothing for a second, and gives the process up two seconds later.

#include <memory>
#include <string>

#include "sofa/admin/gate.h"
#include "sofa/base/description.h"
#include "sofa/http/client.h"
#include "sofa/http/options.h"
#include "sofa/io/address.h"
#include "sofa/io/task_group.h"
#include "sofa/io/tls.h"
#include "sofa/transport/protocol.h"

namespace sofa::admin {

/// What a process says of itself.
struct ProcessHello {
  std::string name{};  ///< of the application
  std::string version{};
  std::string host{};
  uint32_t pid = 0;
  int64_t started_at = 0;  ///< ms since 1970
  std::string admin{};     ///< address of its own admin port; empty: it has none
  std::string token{};     ///< that lets it in
  static void describe(Description<ProcessHello>& d);
};
/// Of this process, without its name.
ProcessHello this_process();

/// Says in the head of a request for whom it is passed on. resource_exhausted when what `gate` lets them do is longer than 32 KiB.
Result<void> speak_for(const Principal& user, const Gate& gate, http::Headers& head);

/// The platform's side: who may attach, and what becomes of them. Called on the shard of each connection.
class AttachHost {
 public:
  /// The id of the process from now on, or why it may not come in.
  virtual Result<std::string> admit(const ProcessHello& hello, const io::Address& peer) = 0;
  /// It is there; not called for one that is gone at once, which is detached() all the same. `connection` belongs to the shard that calls, and lives
  /// until detached() has returned.
  virtual void attached(const std::string& id, http::ClientConnection& connection) = 0;
  virtual io::Task<void> detached(const std::string& id) = 0;

 protected:
  ~AttachHost() = default;
};

/// Of the platform's port.
class AttachProtocol final : public transport::Protocol {
 public:
  /// `host` outlives it.
  explicit AttachProtocol(AttachHost& host) : host_(host) {}
  std::string_view name() const override { return "attach"; }
  transport::Detected detect(ByteSpan first_bytes) const override;
  io::Task<void> serve(io::Stream stream, Buffer prefix, transport::Connection& connection) override;

 private:
  AttachHost& host_;
};

struct AttachmentOptions {
  io::Address platform{};
  ProcessHello hello{};
  std::shared_ptr<io::TlsClientContext> tls{};     ///< null: plain
  Duration max_backoff = std::chrono::seconds(5);  ///< between attempts, from 100 ms on, with jitter
};

/// The process's side: attaches, and again after a loss. Belongs to the shard that makes it.
class Attachment {
 public:
  /// `handler` answers what the platform asks (AdminServer::attached_handler), and outlives it.
  Attachment(AttachmentOptions options, http::Handler& handler);
  ~Attachment();
  /// Begins in the background.
  void start();
  /// Before it goes.
  io::Task<void> stop();
  bool is_attached() const { return attached_; }

 private:
  io::Task<void> run();
  io::Task<Result<void>> attach_once();

  const AttachmentOptions options_;
  http::Handler& handler_;
  bool attached_ = false;
  std::unique_ptr<io::TaskGroup> tasks_;
};

}  // namespace sofa::admin
