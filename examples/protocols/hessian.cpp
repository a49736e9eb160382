// A described struct in the two dialects of Hessian: what docs/protocols/hessian.md shows.
#include <cstdio>

#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

using namespace sofa;

// region: hessian
struct Account {
  std::string owner;
  int64_t cents = 0;
  static auto describe(Description<Account>& d) {
    d.java_type("com.acme.Account");
    d.field("owner", &Account::owner);
    d.field("cents", &Account::cents);
  }
};

Result<Account> there_and_back(const Account& account, hessian::Dialect dialect) {
  auto bytes = hessian::encode(account, {.dialect = dialect});
  if (!bytes) return forward_error(bytes);
  fmt::print("{}\n", to_hex(*bytes));
  return hessian::decode<Account>(*bytes, {.dialect = dialect});
}
// endregion

int main() {
  const Account account{.owner = "Ann", .cents = 1050};
  for (const auto dialect : {hessian::Dialect::h3, hessian::Dialect::h4}) {
    const auto back = there_and_back(account, dialect);
    if (!back || back->owner != account.owner || back->cents != account.cents) return 1;
  }
  return 0;
}
