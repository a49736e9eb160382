#include "sofa/admin/detail/gatekeeper.h"

#include <ranges>

#include "sofa/admin/detail/passed_on.h"

namespace sofa::admin::detail {

namespace {

bool is_of_change(std::string_view method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }
/// A GET may change something, too: what it needs tells.
bool only_reads(std::string_view permission) { return permission.ends_with(":read"); }

std::unexpected<Error> is_foreign_page() {
  return fail(Code::permission_denied, "a page that changes something sends the header x-csrf-token, with the csrf_token of GET /v1/session");
}

Principal passed_on_by_platform(http::Exchange& exchange) {
  const http::Headers& headers = exchange.request().headers;
  Principal user{.name = exchange.context().principal, .proof = Proof::platform, .token = std::string(headers.get_or(kTokenHeader))};
  for (const auto part : std::views::split(headers.get_or(kPermissionsHeader), ',')) user.permissions.emplace_back(part.begin(), part.end());
  user.read_only = headers.contains(kReadOnlyHeader);
  return user;
}

}  // namespace

io::Task<Result<Caller>> Gatekeeper::admit(http::Exchange& exchange, std::string_view permission) {
  if (!exchange.context().principal.empty()) {  // attach.h
    Principal through = passed_on_by_platform(exchange);
    co_await io::or_return(check_passed_on(through, permission));
    co_return Caller{.principal = std::move(through), .peer = exchange.peer()};
  }
  const http::RequestHead& head = exchange.request();
  co_return co_await admit(credentials_of(exchange), head.headers, is_of_change(head.method), permission, &exchange.context().principal);
}

io::Task<Result<Caller>> Gatekeeper::admit(Credentials credentials, const http::Headers& headers, bool changes, std::string_view permission,
                                           std::string* name) {
  auto principal = co_await gate_.identify(credentials);
  if (permission.empty()) co_return Caller{.principal = principal ? std::move(*principal) : Principal{}, .peer = credentials.peer};
  if (!principal) co_return forward_error(principal);
  if (name != nullptr) *name = principal->name;
  principal->read_only = is_foreign(headers, *principal);
  if (principal->read_only && (changes || !only_reads(permission))) co_return is_foreign_page();
  co_await io::or_return(gate_.may(*principal, permission));
  co_return Caller{.principal = std::move(*principal), .peer = credentials.peer};
}

// A browser sends cookies, and what else it knows of a user, with whatever a page makes it send; the token only a page of ours can know.
bool Gatekeeper::is_foreign(const http::Headers& headers, const Principal& principal) const {
  if (principal.proof != Proof::session && !is_of_a_page(headers)) return false;
  return !equal_in_constant_time(headers.get_or("x-csrf-token"), gate_.csrf_token(principal));
}

Result<void> Gatekeeper::check_passed_on(const Principal& user, std::string_view permission) const {
  if (permission.empty() || (user.name == kPlatformItself && permission == kOfPlatformItself)) return {};
  if (auto may = gate_.may(user, permission); !may) return may;
  if (user.read_only && !only_reads(permission)) return is_foreign_page();
  return {};
}

Result<void> Gatekeeper::refuse(http::Exchange& exchange, const Error& error) const {
  http::Headers fields;
  // A page asks by itself; a browser's own question for a password would come on top.
  if (error.code() == Code::unauthenticated && !is_of_a_page(exchange.request())) fields.add("www-authenticate", gate_.challenge());
  return rest::answer_error(exchange, error, std::move(fields));
}

}  // namespace sofa::admin::detail
