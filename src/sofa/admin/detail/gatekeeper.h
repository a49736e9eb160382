#pragma once
// What stands before every operation: who asks, may they, and is it not a foreign page that makes them.

#include "sofa/admin/gate.h"
#include "sofa/admin/part.h"

namespace sofa::admin::detail {

class Gatekeeper {
 public:
  /// `gate` outlives it.
  explicit Gatekeeper(Gate& gate) : gate_(gate) {}

  /// Who asks, when they may. Without a permission everybody may, and who proves nothing has no name.
  io::Task<Result<Caller>> admit(http::Exchange& exchange, std::string_view permission);
  /// The same of any call: what it brings, its header fields, and whether it changes something. `name` gets who asks, also when they may not.
  io::Task<Result<Caller>> admit(Credentials credentials, const http::Headers& headers, bool changes, std::string_view permission,
                                 std::string* name = nullptr);
  /// Answers with the error: 401 with the gate's challenge, else as rest::answer_error does.
  Result<void> refuse(http::Exchange& exchange, const Error& error) const;

 private:
  /// Whether a page that has not shown to be ours makes the request.
  bool is_foreign(const http::Headers& headers, const Principal& principal) const;
  Result<void> check_passed_on(const Principal& user, std::string_view permission) const;
  Gate& gate_;
};

}  // namespace sofa::admin::detail
