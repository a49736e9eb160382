#include "sofa/admin/detail/gatekeeper.h"

#include "sofa/admin/detail/passed_on.h"

namespace sofa::admin::detail {

namespace {

bool changes_something(std::string_view method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

}  // namespace

io::Task<Result<Caller>> Gatekeeper::admit(http::Exchange& exchange, std::string_view permission) {
  if (const std::string& passed_on = exchange.context().principal; !passed_on.empty()) {  // attach.h
    Principal through{.name = passed_on, .proof = Proof::platform, .token = std::string(exchange.request().headers.get_or(kTokenHeader))};
    const bool is_given = permission.empty() || (passed_on == kPlatformItself && permission == kOfPlatformItself);
    if (!is_given) co_await io::or_return(gate_.may(through, permission));
    co_return Caller{.principal = std::move(through), .peer = exchange.peer()};
  }
  const http::RequestHead& head = exchange.request();
  co_return co_await admit(credentials_of(exchange), head.headers, changes_something(head.method), permission, &exchange.context().principal);
}

io::Task<Result<Caller>> Gatekeeper::admit(Credentials credentials, const http::Headers& headers, bool changes, std::string_view permission,
                                           std::string* name) {
  auto principal = co_await gate_.identify(credentials);
  if (permission.empty()) co_return Caller{.principal = principal ? std::move(*principal) : Principal{}, .peer = credentials.peer};
  if (!principal) co_return forward_error(principal);
  if (name != nullptr) *name = principal->name;
  if (changes) co_await io::or_return(check_page(headers, *principal));
  co_await io::or_return(gate_.may(*principal, permission));
  co_return Caller{.principal = std::move(*principal), .peer = credentials.peer};
}

// A browser sends cookies, and what else it knows of a user, with whatever a page makes it send; the token only a page of ours can know.
Result<void> Gatekeeper::check_page(const http::Headers& headers, const Principal& principal) const {
  if (principal.proof != Proof::session && !is_of_a_page(headers)) return {};
  if (equal_in_constant_time(headers.get_or("x-csrf-token"), gate_.csrf_token(principal))) return {};
  return fail(Code::permission_denied, "a page that changes something sends the header x-csrf-token, with the csrf_token of GET /v1/session");
}

Result<void> Gatekeeper::refuse(http::Exchange& exchange, const Error& error) const {
  http::Headers fields;
  // A page asks by itself; a browser's own question for a password would come on top.
  if (error.code() == Code::unauthenticated && !is_of_a_page(exchange.request())) fields.add("www-authenticate", gate_.challenge());
  return rest::answer_error(exchange, error, std::move(fields));
}

}  // namespace sofa::admin::detail
