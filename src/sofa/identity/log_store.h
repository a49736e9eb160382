#pragma once
// LogStore: identities in a folder, on the log module.
//
//   FOLDER/VERSION    "sofa-identity 1"; another version is refused with a sentence
//   FOLDER/log/       stream 1: groups of changes; stream 2: the audit of them; stream 3: refused logins
//
// A value that was replaced stays in stream 1 until the stream holds `compact_after` records more than twice the values: then all values are written
// again and what stands before them goes. Written twice they mean the same, so a crash in between harms nothing.

#include <map>
#include <memory>
#include <string>

#include "sofa/identity/store.h"
#include "sofa/io/sync.h"
#include "sofa/state/log/log.h"

namespace sofa::identity {

struct LogStoreOptions {
  std::string folder{};               ///< made if missing; one process at a time
  uint64_t segment_bytes = 4u << 20;  ///< of the log
  uint64_t compact_after = 1'000;     ///< records
  uint64_t max_audit = 100'000;       ///< entries; the oldest go
  uint64_t max_refused = 10'000;      ///< refused logins; the oldest go
};

class LogStore final : public IdentityStore {
 public:
  /// Errors: failed_precondition for a folder of another version, or one in use; those of log::Log::open. `files` outlives the store.
  static io::Task<Result<std::unique_ptr<LogStore>>> open(LogStoreOptions options, log::FileSystem& files = log::posix_file_system());

  io::Task<Result<std::vector<Change>>> load() override;
  io::Task<Result<void>> append(std::vector<Change> changes, AuditEntry entry) override;
  io::Task<Result<void>> append_refused(AuditEntry entry) override;
  io::Task<Result<AuditPage>> audit(AuditFilter filter) override;
  io::Task<Result<void>> close() override;

  /// Records of the stream of changes; for tests of its bound.
  uint64_t records() const;

 private:
  LogStore(LogStoreOptions options, std::unique_ptr<log::Log> log) : options_(std::move(options)), log_(std::move(log)) {}
  void keep(const Change& change);
  io::Task<Result<void>> tidy();
  /// Drops the oldest entries over the bound, when there are enough of them.
  io::Task<Result<bool>> bound(uint64_t stream, uint64_t most);
  io::Task<Result<void>> write_again();

  const LogStoreOptions options_;
  const std::unique_ptr<log::Log> log_;
  io::Mutex changing_;                                                 // one change, or one tidying, at a time
  std::map<std::pair<std::string, std::string>, std::string> values_;  // by kind and name
};

}  // namespace sofa::identity
