#include "sofa/http/static_files.h"

#include <openssl/evp.h>

#include "sofa/http/detail/text.h"

namespace sofa::http {

namespace {

/// Half of SHA-256 in hex: two contents never share it.
std::string tag_of(ByteSpan content) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::EVP_Digest(content.data(), content.size(), digest, &size, ::EVP_sha256(), nullptr);
  return fmt::format("\"{}\"", to_hex(ByteSpan(digest, 16)));
}

/// Weak comparison (RFC 9110, 8.8.3.2) with each tag of the list.
bool has_tag(std::string_view list, std::string_view tag) {
  bool found = false;
  detail::for_each_item(list, [&](std::string_view item) {
    if (item.starts_with("W/")) item.remove_prefix(2);
    found = found || item == tag || item == "*";
  });
  return found;
}

struct Range {
  size_t first, count;
};
enum class RangeKind : uint8_t { none, one, unsatisfiable };

/// One range of bytes; several, or another unit, are ignored as RFC 9110, 14.2 allows.
RangeKind parse_range(std::string_view text, size_t size, Range& range) {
  if (!text.starts_with("bytes=") || text.find(',') != std::string_view::npos) return RangeKind::none;
  text.remove_prefix(6);
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return RangeKind::none;
  const std::string_view from = text.substr(0, dash), to = text.substr(dash + 1);
  const auto first = whole_number(from), last = whole_number(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (!first && !last) || (first && last && *last < *first)) return RangeKind::none;
  if (!first) {
    const size_t count = std::min<uint64_t>(*last, size);
    range = {size - count, count};
    return count == 0 ? RangeKind::unsatisfiable : RangeKind::one;
  }
  if (*first >= size) return RangeKind::unsatisfiable;
  const uint64_t end = last && *last < size - 1 ? *last + 1 : size;
  range = {static_cast<size_t>(*first), static_cast<size_t>(end - *first)};
  return RangeKind::one;
}

}  // namespace

void StaticFiles::add(std::string path, std::string_view content_type, Bytes content, std::string_view cache_control) {
  File file{std::string(content_type), content, std::string(cache_control), tag_of(content.span())};
  constexpr std::string_view kIndex = "index.html";
  const bool is_index = path == kIndex || path.ends_with("/index.html");
  if (is_index) files_[path.substr(0, path.size() - kIndex.size())] = file;
  files_[std::move(path)] = std::move(file);
}

void StaticFiles::handle(ExchangePtr exchange) {
  const RequestHead& head = exchange->request();
  const RequestContext& context = exchange->context();
  const std::string_view path = context.parameters.size() > 0 ? context.parameters.get("path") : head.path();
  if (head.method != "GET" && head.method != "HEAD") {
    [[maybe_unused]] const auto sent = respond_text(*exchange, 405, "files take GET and HEAD", {{"allow", "GET, HEAD"}});
    return;
  }
  const auto file = files_.find(path);
  if (file == files_.end()) {
    [[maybe_unused]] const auto sent = respond_text(*exchange, 404, fmt::format("there is no file '{}'", path));
    return;
  }
  answer(*exchange, file->second);
}

void StaticFiles::answer(Exchange& exchange, const File& file) const {
  const Headers& asked = exchange.request().headers;
  Headers headers{{"etag", file.tag}, {"cache-control", file.cache_control}, {"accept-ranges", "bytes"}};
  const auto send = [&](int status, Bytes content) {
    [[maybe_unused]] const auto sent = respond(exchange, status, file.content_type, std::move(content), std::move(headers));
  };
  if (const auto tags = asked.get("if-none-match"); tags && has_tag(*tags, file.tag)) {
    [[maybe_unused]] const auto sent = exchange.send_response(304, headers, true);
    return;
  }
  const std::string_view still = asked.get_or("if-range", file.tag);
  Range range{};
  const bool may_be_part = still == file.tag && exchange.request().method == "GET";  // RFC 9110, 14.2
  switch (may_be_part ? parse_range(asked.get_or("range"), file.content.size(), range) : RangeKind::none) {
    case RangeKind::none:
      return send(200, file.content);
    case RangeKind::one:
      headers.add("content-range", fmt::format("bytes {}-{}/{}", range.first, range.first + range.count - 1, file.content.size()));
      return send(206, file.content.slice(range.first, range.count));
    case RangeKind::unsatisfiable:
      headers.add("content-range", fmt::format("bytes */{}", file.content.size()));
      return send(416, {});
  }
}

}  // namespace sofa::http
