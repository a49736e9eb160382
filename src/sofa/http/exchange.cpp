#include "sofa/http/exchange.h"

#include "sofa/base/log.h"

namespace sofa::http {

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

/// Answers whether there is room for it or not.
Result<void> send_whole(Exchange& exchange, int status, std::string_view content_type, Bytes body, Headers headers) {
  if (!content_type.empty()) headers.set("content-type", content_type);
  headers.set("content-length", std::to_string(body.size()));
  const bool ends = body.empty() || exchange.request().method == "HEAD";
  if (auto sent = exchange.send_response(status, headers, ends); !sent || ends) return sent;
  return exchange.send_data(std::move(body), true);
}

Bytes text_of(std::string_view sentence) { return Bytes::copy_of(fmt::format("{}\n", sentence)); }

/// The peer has asked for what it cannot be sent: it is told, and who runs the server reads of it.
Result<void> answer_no_room(Exchange& exchange, Error error) {
  static const Logger log{"http"};
  constexpr uint32_t kLinesPerSecond = 10;
  static LogRate rate(kLinesPerSecond);
  log.warn(rate, "answer not sent", {{"peer", exchange.peer().to_string()}, {"target", exchange.request().target}, {"reason", error.message()}});
  if (auto sent = send_whole(exchange, 500, kText, text_of(error.message()), {}); !sent) return sent;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<void> respond(Exchange& exchange, int status, std::string_view content_type, Bytes body, Headers headers) {
  if (!body.empty() && exchange.request().method != "HEAD") {
    auto room = exchange.room_for(body.size());
    if (!room && room.error().code() != Code::resource_exhausted) return room;  // the peer is gone
    if (!room) return answer_no_room(exchange, std::move(room.error()));
  }
  return send_whole(exchange, status, content_type, std::move(body), std::move(headers));
}

Result<void> respond_text(Exchange& exchange, int status, std::string_view sentence, Headers headers) {
  return respond(exchange, status, kText, text_of(sentence), std::move(headers));
}

}  // namespace sofa::http
