#include "sofa/http/exchange.h"

namespace sofa::http {

Result<void> respond(Exchange& exchange, int status, std::string_view content_type, Bytes body, Headers headers) {
  if (!content_type.empty()) headers.set("content-type", content_type);
  headers.set("content-length", std::to_string(body.size()));
  const bool ends = body.empty() || exchange.request().method == "HEAD";
  if (auto sent = exchange.send_response(status, headers, ends); !sent || ends) return sent;
  return exchange.send_data(std::move(body), true);
}

Result<void> respond_text(Exchange& exchange, int status, std::string_view sentence, Headers headers) {
  return respond(exchange, status, "text/plain; charset=utf-8", Bytes::copy_of(fmt::format("{}\n", sentence)), std::move(headers));
}

}  // namespace sofa::http
