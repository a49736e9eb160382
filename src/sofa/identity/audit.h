#pragma once
// The audit: every change and every refused login, who, when, what and from where. It grows at its end alone, and is read from there.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"

namespace sofa::identity {

enum class AuditResult : uint8_t { ok, denied, failed };
void describe(EnumDescription<AuditResult>& d);

struct AuditEntry {
  std::string id{};  ///< given by the store: its place
  int64_t at_ms = 0;
  std::string actor{};   ///< name of the user who did it, or of the name that was tried
  std::string action{};  ///< "user.add", "login"
  std::string target{};  ///< name or id of what was changed
  AuditResult result = AuditResult::ok;
  std::string peer{};    ///< from where; "local" for the process itself
  std::string detail{};  ///< never a secret
  static void describe(Description<AuditEntry>& d);
};

inline constexpr size_t kMostAuditText = 256;  // bytes of each text of an entry; longer ones are cut

struct AuditFilter {
  uint32_t limit = 100;  ///< entries of a page, 1 to 1,000
  std::string before{};  ///< an id, or the `next` of a page: only older ones; empty: from the newest on
  std::string after{};   ///< an id: only newer ones
  int64_t since_ms = 0;  ///< since 1970: only those from then on
  std::string actor{};
  std::string action{};  ///< "user.add", or "user" for all of those
  std::optional<AuditResult> result{};
  static void describe(Description<AuditFilter>& d);
  bool takes(const AuditEntry& entry) const;
};

/// Newest first.
struct AuditPage {
  std::vector<AuditEntry> entries{};
  std::string next{};  ///< `before` of the next page; empty at the end
  static void describe(Description<AuditPage>& d);
};

}  // namespace sofa::identity
