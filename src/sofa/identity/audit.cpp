#include "sofa/identity/audit.h"

namespace sofa::identity {

void describe(EnumDescription<AuditResult>& d) {
  d.value("ok", AuditResult::ok).value("denied", AuditResult::denied, "it was not permitted").value("failed", AuditResult::failed);
}

void AuditEntry::describe(Description<AuditEntry>& d) {
  d.doc("Somebody did, or was refused, something.");
  d.field("id", &AuditEntry::id);
  d.field("at_ms", &AuditEntry::at_ms).doc("since 1970").unit("ms");
  d.field("actor", &AuditEntry::actor).doc("the user, or the name that was tried");
  d.field("action", &AuditEntry::action).doc("user.add, login");
  d.field("target", &AuditEntry::target).doc("name or id of what was changed");
  d.field("result", &AuditEntry::result);
  d.field("peer", &AuditEntry::peer).doc("from where");
  d.field("detail", &AuditEntry::detail);
}

void AuditFilter::describe(Description<AuditFilter>& d) {
  d.field("limit", &AuditFilter::limit).range(1, 1'000).doc("entries of a page");
  d.field("before", &AuditFilter::before).doc("the `next` of the page before; empty: from the newest on");
  d.field("after", &AuditFilter::after).doc("an id: only newer ones");
  d.field("since_ms", &AuditFilter::since_ms).unit("ms since 1970").doc("only those from then on");
  d.field("actor", &AuditFilter::actor).doc("only of this user");
  d.field("action", &AuditFilter::action).doc("user.add, or user for all of those");
  d.field("result", &AuditFilter::result);
}

bool AuditFilter::takes(const AuditEntry& entry) const {
  const bool same_action = action.empty() || entry.action == action || (entry.action.starts_with(action) && entry.action[action.size()] == '.');
  return entry.at_ms >= since_ms && same_action && (actor.empty() || entry.actor == actor) && (!result || entry.result == *result);
}

void AuditPage::describe(Description<AuditPage>& d) {
  d.doc("Newest first.");
  d.field("entries", &AuditPage::entries);
  d.field("next", &AuditPage::next).doc("`before` of the next page; empty at the end");
}

}  // namespace sofa::identity
