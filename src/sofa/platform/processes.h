#pragma once
// The processes that have attached to this platform (admin/attach.h), and the way to their admin APIs: "/v1/processes/{id}/..." asks a process what
// its own admin port would be asked. The platform attaches to itself like any other process.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sofa/admin/admin_server.h"
#include "sofa/admin/attach.h"
#include "sofa/http/fetch.h"
#include "sofa/io/shard.h"

namespace sofa::platform {

/// One process, as the API shows it.
struct ProcessInfo {
  std::string id{};  ///< "bank-4711": name and pid, told apart further where that is not enough
  std::string name{}, version{}, host{};
  uint32_t pid = 0;
  int64_t started_at = 0, attached_at = 0;  ///< ms since 1970
  std::string admin{};
  static void describe(Description<ProcessInfo>& d);
};

struct ProcessesOptions {
  size_t most = 1'000;                                                                     ///< processes; a further one is refused
  std::function<Result<void>(const std::string& token, const io::Address& peer)> check{};  ///< whether a process may attach; empty: all
  std::function<void(const ProcessInfo&)> on_attached{}, on_gone{};                        ///< told on any shard; may be empty
};

/// Any shard.
class Processes final : public admin::AttachHost {
 public:
  Processes(ProcessesOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  /// By name and id.
  std::vector<ProcessInfo> list() const;
  /// What a process answers to a GET of the platform itself, which it lets see how it does (admin/attach.h). not_found when it is not there,
  /// resource_exhausted for a body of more than `most` bytes.
  io::Task<Result<http::Fetched>> ask(std::string id, std::string target, size_t most) const;
  /// Adds the operations and the way through to a server.
  void add_to(admin::AdminServer& server);

  Result<std::string> admit(const admin::ProcessHello& hello, const io::Address& peer) override;
  void attached(const std::string& id, http::ClientConnection& connection) override;
  io::Task<void> detached(const std::string& id) override;

 private:
  struct Attached;
  class Part;
  io::Task<Result<void>> pass_on(http::Exchange& exchange, http::Body& body, const admin::Caller& caller, const admin::Gate& gate);
  std::shared_ptr<Attached> find(std::string_view id) const;
  std::string free_id(const admin::ProcessHello& hello) const;  // with the mutex

  const ProcessesOptions options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Attached>, std::less<>> attached_;
};

}  // namespace sofa::platform
