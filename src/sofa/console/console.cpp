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

}  // namespace

Console::Console() {
  for (const detail::EmbeddedFile& file : detail::embedded_files()) {
    // The names of assets hold a hash of their content.
    const bool is_asset = file.path.starts_with("assets/");
    files_.add(fmt::format("/console/{}", file.path), http::StaticFile{
                                                          .content_type = std::string(content_type_of(file.path)),
                                                          .content = Bytes::literal(as_text(file.content)),
                                                          .coding = file.coding,
                                                          .cache_control = is_asset ? "public, max-age=31536000, immutable" : "no-cache",
                                                          .headers = guards(),
                                                      });
  }
  files_.set_page("/console/index.html");
}

void Console::handle(http::ExchangePtr exchange) {
  const std::string_view path = exchange->request().path();
  if (path.starts_with("/console/")) return files_.handle(std::move(exchange));
  if (path == "/" || path == "/console") {
    [[maybe_unused]] const auto sent = http::respond(*exchange, 302, "", {}, {{"location", "/console/"}, {"cache-control", "no-store"}});
    return;
  }
  [[maybe_unused]] const auto sent = http::respond_text(*exchange, 404, fmt::format("there is nothing at '{}'; the console is at /console/", path));
}

}  // namespace sofa::console
