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

/// The tag of the same content without its coding, which is another representation (RFC 9110, 8.8.1).
std::string plain_tag_of(std::string_view tag) { return fmt::format("{}-plain\"", tag.substr(0, tag.size() - 1)); }

constexpr size_t kMaxDecoded = size_t{64} << 20;

/// Whether an accept-encoding header takes a coding: named without "q=0" (RFC 9110, 12.5.3).
bool takes(std::string_view accept_encoding, ContentCoding coding) {
  bool taken = false;
  detail::for_each_item(accept_encoding, [&](std::string_view item) {
    const size_t end = item.find(';');
    const std::string_view weight = end == std::string_view::npos ? std::string_view{} : item.substr(end);
    const bool refused = weight.find("q=0") != std::string_view::npos && weight.find_first_of("123456789") == std::string_view::npos;
    taken = taken || (!refused && parse_content_coding(item.substr(0, item.find_first_of("; ,"))) == coding);
  });
  return taken;
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

/// What a file's content is without its coding.
Result<Bytes> decoded(const StaticFile& file) {
  const auto decompressor = make_decompressor(file.coding);
  Buffer in, out;
  in.append(file.content.span());
  size_t before = 0;
  do {
    before = out.size();
    if (auto done = decompressor->decompress(in, kMaxDecoded - before, out); !done) return std::unexpected(std::move(done.error()));
  } while (out.size() > before && !decompressor->is_whole());
  if (!decompressor->is_whole()) return fail(Code::internal, "the file's compressed content is not whole, or over {} bytes", kMaxDecoded);
  return out.take();
}

}  // namespace

void StaticFiles::add(std::string path, StaticFile file) {
  Tagged tagged{std::move(file), {}};
  tagged.tag = tag_of(tagged.file.content.span());
  constexpr std::string_view kIndex = "index.html";
  const bool is_index = path == kIndex || path.ends_with("/index.html");
  if (is_index) files_[path.substr(0, path.size() - kIndex.size())] = tagged;
  files_[std::move(path)] = std::move(tagged);
}

void StaticFiles::add(std::string path, std::string_view content_type, Bytes content, std::string_view cache_control) {
  add(std::move(path),
      StaticFile{.content_type = std::string(content_type), .content = std::move(content), .cache_control = std::string(cache_control)});
}

void StaticFiles::set_page(const std::string& path) { page_ = &files_.at(path); }

const StaticFiles::Tagged* StaticFiles::find(std::string_view path, const RequestHead& head) const {
  if (const auto file = files_.find(path); file != files_.end()) return &file->second;
  return head.headers.get_or("accept").find("text/html") == std::string_view::npos ? nullptr : page_;
}

void StaticFiles::handle(ExchangePtr exchange) {
  const RequestHead& head = exchange->request();
  const RequestContext& context = exchange->context();
  const std::string_view path = context.parameters.size() > 0 ? context.parameters.get("path") : head.path();
  if (head.method != "GET" && head.method != "HEAD") {
    [[maybe_unused]] const auto sent = respond_text(*exchange, 405, "files take GET and HEAD", {{"allow", "GET, HEAD"}});
    return;
  }
  const Tagged* tagged = find(path, head);
  if (tagged == nullptr) {
    [[maybe_unused]] const auto sent = respond_text(*exchange, 404, fmt::format("there is no file '{}'", path));
    return;
  }
  answer(*exchange, *tagged);
}

void StaticFiles::answer(Exchange& exchange, const Tagged& tagged) const {
  const StaticFile& file = tagged.file;
  const Headers& asked = exchange.request().headers;
  const bool coded = file.coding != ContentCoding::identity;
  const bool decodes = coded && !takes(asked.get_or("accept-encoding"), file.coding);
  const std::string tag = decodes ? plain_tag_of(tagged.tag) : tagged.tag;
  Headers headers = file.headers;
  headers.add("etag", tag);
  headers.add("cache-control", file.cache_control);
  headers.add("accept-ranges", "bytes");
  if (coded) headers.add("vary", "accept-encoding");
  if (const auto tags = asked.get("if-none-match"); tags && has_tag(*tags, tag)) {
    [[maybe_unused]] const auto sent = exchange.send_response(304, headers, true);
    return;
  }
  Bytes content = file.content;
  if (decodes) {
    auto plain = decoded(file);
    if (!plain) {
      [[maybe_unused]] const auto sent = respond_text(exchange, 500, plain.error().message());
      return;
    }
    content = std::move(*plain);
  } else if (coded) {
    headers.add("content-encoding", to_string(file.coding));
  }
  const auto send = [&](int status, Bytes part) {
    [[maybe_unused]] const auto sent = respond(exchange, status, file.content_type, std::move(part), std::move(headers));
  };
  const std::string_view still = asked.get_or("if-range", tag);
  Range range{};
  const bool may_be_part = still == tag && exchange.request().method == "GET";  // RFC 9110, 14.2
  switch (may_be_part ? parse_range(asked.get_or("range"), content.size(), range) : RangeKind::none) {
    case RangeKind::none:
      return send(200, content);
    case RangeKind::one:
      headers.add("content-range", fmt::format("bytes {}-{}/{}", range.first, range.first + range.count - 1, content.size()));
      return send(206, content.slice(range.first, range.count));
    case RangeKind::unsatisfiable:
      headers.add("content-range", fmt::format("bytes */{}", content.size()));
      return send(416, {});
  }
}

}  // namespace sofa::http
