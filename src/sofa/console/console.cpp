#include "sofa/console/console.h"

#include "sofa/console/detail/files.h"

namespace sofa::console {

namespace {

std::string_view content_type_of(std::string_view path) {
  using Kind = std::pair<std::string_view, std::string_view>;
  constexpr Kind kKinds[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".woff2", "font/woff2"},
  };
  for (const auto& [suffix, type] : kKinds) {
    if (path.ends_with(suffix)) return type;
  }
  return "application/octet-stream";
}

/// Nothing from elsewhere, nothing inline, in no frame of another page.
http::Headers guards() {
  return {
      {"content-security-policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action "
       "'self'; frame-ancestors 'none'"},
      {"x-content-type-options", "nosniff"},
      {"x-frame-options", "DENY"},
      {"referrer-policy", "same-origin"},
      {"cross-origin-opener-policy", "same-origin"},
  };
}

void redirect(const http::ExchangePtr& exchange) {
  [[maybe_unused]] const auto sent = http::respond(*exchange, 302, "", {}, {{"location", "/console/"}, {"cache-control", "no-store"}});
}

}  // namespace

Console::Console() {
  for (const detail::EmbeddedFile& file : detail::embedded_files()) {
    // The names of assets hold a hash of their content.
    const bool is_asset = file.path.starts_with("assets/");
    files_.add(std::string(file.path), http::StaticFile{
                                           .content_type = std::string(content_type_of(file.path)),
                                           .content = Bytes::literal(as_text(file.content)),
                                           .coding = file.coding,
                                           .cache_control = is_asset ? "public, max-age=31536000, immutable" : "no-cache",
                                           .headers = guards(),
                                       });
  }
  files_.set_page("index.html");
}

void Console::mount(http::Router& router) {
  router.get("/console/{path...}", files_);
  router.get("/console", [](const http::ExchangePtr& exchange) { redirect(exchange); });
  router.get("/", [](const http::ExchangePtr& exchange) { redirect(exchange); });
}

}  // namespace sofa::console
