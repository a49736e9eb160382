#pragma once
// StaticFiles: contents in memory, with ETag, If-None-Match, ranges and HEAD (RFC 9110, 13 and 14).
//
//   http::StaticFiles files;
//   files.add("index.html", "text/html; charset=utf-8", Bytes::literal(kIndex));
//   router.get("/admin/{path...}", files);

#include <map>
#include <string>

#include "sofa/http/exchange.h"

namespace sofa::http {

class StaticFiles final : public Handler {
 public:
  /// Before the port opens. "index.html" also answers for the folder: of "docs/index.html" these are "docs/" and, with the name alone, "".
  /// The tag is made from the content. `cache_control` is sent as it is: "no-cache" lets a client keep the file and ask whether it has changed.
  void add(std::string path, std::string_view content_type, Bytes content, std::string_view cache_control = "no-cache");
  /// Serves the route's parameter "path", or the request's whole path where there is none. GET and HEAD; 405 for another method.
  void handle(ExchangePtr exchange) override;

 private:
  struct File {
    std::string content_type;
    Bytes content;
    std::string cache_control;
    std::string tag;  // with its quotes
  };
  void answer(Exchange& exchange, const File& file) const;

  std::map<std::string, File, std::less<>> files_;
};

}  // namespace sofa::http
