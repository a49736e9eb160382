#include "sofa/http/page_guard.h"

#include "sofa/http/origin.h"

namespace sofa::http {

namespace {

bool is_grpc(const RequestHead& head) {
  const std::string_view type = head.headers.get_or("content-type");
  return head.version == Version::http2 && type.starts_with("application/grpc") && !type.starts_with("application/grpc-web");
}

bool is_websocket(const RequestHead& head) { return head.method == "GET" && head.headers.has_token("upgrade", "websocket"); }

}  // namespace

bool PageGuard::is_foreign(const RequestHead& head) const {
  return is_from_foreign_page(head, options_.origins) && !is_navigation(head) && !is_websocket(head) && !is_grpc(head);
}

void PageGuard::handle(ExchangePtr exchange) {
  const RequestHead& head = exchange->request();
  if (is_foreign(head)) return refuse_page(*exchange);
  const bool may_be_rebound = exchange->peer().is_loopback() && head.scheme != "https" && !head.authority.empty() && !is_grpc(head);
  if (!may_be_rebound || is_name_of_this_machine(head.authority, options_.hosts)) return next().handle(std::move(exchange));
  const std::string sentence = fmt::format(
      "this machine is not known here as '{}'; ask by an address or localhost, or name it in the server's option `hosts`", head.authority);
  [[maybe_unused]] const auto sent = respond_text(*exchange, 421, sentence);
}

}  // namespace sofa::http
