#include "sofa/admin/detail/gatekeeper.h"

namespace sofa::admin::detail {

namespace {

bool changes_something(std::string_view method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

}  // namespace

io::Task<Result<Caller>> Gatekeeper::admit(http::Exchange& exchange, std::string_view permission) {
  if (const std::string& passed_on = exchange.context().principal; !passed_on.empty()) {  // attach.h
    co_return Caller{.principal = {.name = passed_on, .proof = Proof::platform}, .peer = exchange.peer()};
  }
  auto principal = co_await gate_.identify(credentials_of(exchange));
  if (permission.empty()) co_return Caller{.principal = principal ? std::move(*principal) : Principal{}, .peer = exchange.peer()};
  if (!principal) co_return forward_error(principal);
  exchange.context().principal = principal->name;
  co_await io::or_return(check_page(exchange.request(), *principal));
  co_await io::or_return(gate_.may(*principal, permission));
  co_return Caller{.principal = std::move(*principal), .peer = exchange.peer()};
}

// A browser sends cookies, and what else it knows of a user, with whatever a page makes it send; the token only a page of ours can know.
Result<void> Gatekeeper::check_page(const http::RequestHead& head, const Principal& principal) const {
  if (!changes_something(head.method)) return {};
  if (principal.proof != Proof::session && !is_of_a_page(head)) return {};
  if (equal_in_constant_time(head.headers.get_or("x-csrf-token"), gate_.csrf_token(principal))) return {};
  return fail(Code::permission_denied, "a page that changes something sends the header x-csrf-token, with the csrf_token of GET /v1/session");
}

Result<void> Gatekeeper::refuse(http::Exchange& exchange, const Error& error) const {
  http::Headers fields;
  // A page asks by itself; a browser's own question for a password would come on top.
  if (error.code() == Code::unauthenticated && !is_of_a_page(exchange.request())) fields.add("www-authenticate", gate_.challenge());
  return rest::answer_error(exchange, error, std::move(fields));
}

}  // namespace sofa::admin::detail
