#include "sofa/admin/gate.h"

#include <vector>

#include "sofa/admin/permission.h"
#include "sofa/base/bytes.h"
#include "sofa/base/entropy.h"

namespace sofa::admin {

std::string_view to_string(Proof proof) {
  switch (proof) {
    case Proof::password:
      return "password";
    case Proof::token:
      return "token";
    case Proof::session:
      return "session";
    case Proof::certificate:
      return "certificate";
    case Proof::platform:
      return "platform";
    case Proof::nothing:
      break;
  }
  return "nothing";
}

Credentials credentials_of(const http::Exchange& exchange) {
  const http::Headers& headers = exchange.request().headers;
  return {.authorization = headers.get_or("authorization"),
          .cookies = headers.get_or("cookie"),
          .certificate_name = exchange.peer_certificate_name(),
          .peer = exchange.peer()};
}

OpenGate::OpenGate() : token_(random_secret(16)) {}

io::Task<Result<Principal>> OpenGate::identify(const Credentials& credentials) { co_return identify_at_once(credentials); }

Result<Principal> OpenGate::identify_at_once(const Credentials&) { return Principal{.name = "dev"}; }

Result<void> OpenGate::may(const Principal& principal, std::string_view permission) const {
  if (principal.proof != Proof::platform || permits(principal.permissions, permission)) return {};
  return fail(Code::permission_denied, "'{}' lacks the permission {} on the platform, which decides for a process without a gate", principal.name,
              permission);
}

std::vector<std::string> OpenGate::permissions_of(const Principal& principal) const {
  if (principal.proof == Proof::platform) return principal.permissions;
  return {"*"};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char different = 0;
  for (size_t i = 0; i < a.size(); ++i) different |= static_cast<unsigned char>(a[i] ^ b[i]);
  return different == 0;
}

std::string random_secret(size_t bytes) {
  std::vector<uint8_t> raw(bytes);
  system_entropy(raw);
  return to_hex(raw);
}

bool is_of_a_page(const http::Headers& headers) { return headers.contains("origin") || headers.contains("sec-fetch-site"); }

}  // namespace sofa::admin
