#include "sofa/wire/bolt/header_map.h"

namespace sofa::bolt {

namespace {

constexpr int32_t kNull = -1;

/// A length and its bytes, taken off the front of `rest`. `null` tells a null string from an empty one.
struct Field {
  std::string_view text;
  bool null = false;
};

/// False when the length or the text is cut short, or the length is negative and not -1.
bool read_field(ByteSpan& rest, Field& field) {
  if (rest.size() < 4) return false;
  const auto length = load_be<int32_t>(rest.data());
  rest = rest.subspan(4);
  field.null = length == kNull;
  if (field.null) return true;
  if (length < 0 || static_cast<size_t>(length) > rest.size()) return false;
  field.text = as_text(rest.first(static_cast<size_t>(length)));
  rest = rest.subspan(static_cast<size_t>(length));
  return true;
}

}  // namespace

Result<HeaderMap> HeaderMap::parse(ByteSpan bytes, size_t max_pairs) {
  HeaderMap map;
  map.bytes_ = bytes;
  size_t seen = 0;
  for (ByteSpan rest = bytes; !rest.empty();) {
    Field key, value;
    const size_t at = bytes.size() - rest.size();
    if (!read_field(rest, key) || !read_field(rest, value)) {
      return fail(Code::invalid_argument, "header map is cut or broken in the pair at byte {} of {}", at, bytes.size());
    }
    if (++seen > max_pairs) return fail(Code::invalid_argument, "header map has over {} pairs", max_pairs);
    if (!key.null && !value.null) ++map.pairs_;
  }
  return map;
}

std::optional<std::string_view> HeaderMap::find(std::string_view key) const {
  std::optional<std::string_view> found;
  Field name, value;
  for (ByteSpan rest = bytes_; !rest.empty() && read_field(rest, name) && read_field(rest, value);) {
    if (!name.null && !value.null && name.text == key) found = value.text;
  }
  return found;
}

void HeaderMap::Iterator::advance() {
  Field key, value;
  while (!rest_.empty() && read_field(rest_, key) && read_field(rest_, value)) {
    if (key.null || value.null) continue;
    pair_ = {key.text, value.text};
    at_end_ = false;
    return;
  }
  at_end_ = true;
}

void append_header_pair(Buffer& out, std::string_view key, std::string_view value) {
  uint8_t* at = out.extend(8 + key.size() + value.size());
  for (const std::string_view text : {key, value}) {
    store_be(at, static_cast<uint32_t>(text.size()));
    at = std::ranges::copy(as_bytes(text), at + 4).out;
  }
}

}  // namespace sofa::bolt
