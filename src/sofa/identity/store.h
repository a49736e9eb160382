#pragma once
// Where identities are kept: a map of named values, changed by groups that are there whole or not at all, and the audit beside it.

#include <memory>
#include <string>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/identity/audit.h"
#include "sofa/io/task.h"

namespace sofa::identity {

/// One value by its kind ("user", "key", "token", "role", "namespace") and name.
struct Change {
  std::string kind{};
  std::string name{};
  std::string value{};  ///< JSON; empty: it is gone
  static void describe(Description<Change>& d);
};

/// Belongs to one shard. Outlives its user.
class IdentityStore {
 public:
  virtual ~IdentityStore() = default;

  /// Every value that is there. Once, before anything else.
  virtual io::Task<Result<std::vector<Change>>> load() = 0;
  /// All of the changes, in their order, and the entry, or none of it; durable when it returns ok. After an error it may be there or not, and the
  /// store takes nothing more (resource_exhausted excepted: nothing was changed, and it may be tried again).
  virtual io::Task<Result<void>> append(std::vector<Change> changes, AuditEntry entry) = 0;
  /// A refused login, in a ring of its own: those who guess push no change out of the audit.
  virtual io::Task<Result<void>> append_refused(AuditEntry entry) = 0;
  /// Both, newest first; changes go on meanwhile. invalid_argument for a place that is none.
  virtual io::Task<Result<AuditPage>> audit(AuditFilter filter) = 0;
  virtual io::Task<Result<void>> close() = 0;
};

}  // namespace sofa::identity
