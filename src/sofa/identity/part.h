#pragma once
// What identity adds to the admin API: users, keys, tokens, roles, namespaces and the audit.

#include "sofa/admin/part.h"
#include "sofa/identity/identities.h"

namespace sofa::identity {

/// `identities` outlives it.
class IdentityPart final : public admin::Part {
 public:
  explicit IdentityPart(Identities& identities) : identities_(identities) {}
  std::string_view name() const override { return "Identity"; }
  void add_to(admin::Routes& routes) override;

 private:
  void add_users(admin::Routes& routes);
  void add_keys(admin::Routes& routes);
  void add_tokens(admin::Routes& routes);
  void add_roles(admin::Routes& routes);
  void add_namespaces(admin::Routes& routes);

  Identities& identities_;
};

}  // namespace sofa::identity
