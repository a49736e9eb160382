#pragma once
// StaticFiles: contents in memory, with ETag, If-None-Match, ranges and HEAD (RFC 9110, 13 and 14), compressed beforehand where they are.
//
//   http::StaticFiles files;
//   files.add("index.html", "text/html; charset=utf-8", Bytes::literal(kIndex));
//   router.get("/admin/{path...}", files);

#include <map>
#include <string>

#include "sofa/http/content_coding.h"
#include "sofa/http/exchange.h"

namespace sofa::http {

struct StaticFile {
  std::string content_type{};
  Bytes content{};
  /// Of `content`. A client that does not take it gets the content decompressed, anew for each request.
  ContentCoding coding = ContentCoding::identity;
  std::string cache_control = "no-cache";  ///< sent as it is: "no-cache" lets a client keep the file and ask whether it has changed
  Headers headers{};                       ///< more of the answer
};

class StaticFiles final : public Handler {
 public:
  /// Before the port opens. "index.html" also answers for the folder: of "docs/index.html" these are "docs/" and, with the name alone, "".
  /// The tag is made from the content.
  void add(std::string path, StaticFile file);
  void add(std::string path, std::string_view content_type, Bytes content, std::string_view cache_control = "no-cache");
  /// Before the port opens: the file of this path, which is there, answers for paths without one when a page is asked for (accept: text/html). So a
  /// page that finds its way by its own address can be opened at any of them.
  void set_page(const std::string& path);
  /// Serves the route's parameter "path", or the request's whole path where there is none. GET and HEAD; 405 for another method.
  void handle(ExchangePtr exchange) override;

 private:
  struct Tagged {
    StaticFile file;
    std::string tag;  // with its quotes
  };
  const Tagged* find(std::string_view path, const RequestHead& head) const;
  void answer(Exchange& exchange, const Tagged& tagged) const;

  std::map<std::string, Tagged, std::less<>> files_;
  const Tagged* page_ = nullptr;
};

}  // namespace sofa::http
