#include "sofa/tool/explain.h"

#include "sofa/base/json.h"

namespace sofa::tool {

std::string shown_text(std::string_view text) {
  constexpr size_t kMost = 100;
  if (text.size() <= kMost) return json_quoted(text);
  return fmt::format("{}... ({} bytes)", json_quoted(text.substr(0, kMost)), text.size());
}

bool Walk::need(size_t size, std::string_view name) {
  if (!ok()) return false;
  if (left() >= size) return true;
  fail(fmt::format("{} more bytes for {}", size - left(), name), left());
  return false;
}

void Walk::fail(std::string expected, size_t offset) {
  if (ok()) wrong_ = WrongByte{.offset = at_ + offset, .expected = std::move(expected)};
}

void Walk::note(size_t size, std::string_view name, std::string value) {
  if (!need(size, name)) return;
  pieces_.push_back({.offset = at_, .size = size, .level = level_, .name = std::string(name), .value = std::move(value)});
  at_ += size;
}

uint64_t Walk::peek(size_t size, std::string_view name) {
  if (!need(size, name)) return 0;
  uint64_t value = 0;
  for (const uint8_t byte : rest().first(size)) value = value << 8 | byte;
  return value;
}

std::string Walk::with_meaning(uint64_t value, const std::string& meaning) {
  return meaning.empty() ? std::to_string(value) : fmt::format("{} ({})", value, meaning);
}

ByteSpan Walk::bytes(size_t size, std::string_view name) {
  if (!need(size, name)) return {};
  const ByteSpan taken = rest().first(size);
  note(size, name, fmt::format("{} bytes", size));
  return taken;
}

std::string_view Walk::text(size_t size, std::string_view name) {
  if (!need(size, name)) return {};
  const std::string_view taken = as_text(rest().first(size));
  note(size, name, shown_text(taken));
  return taken;
}

}  // namespace sofa::tool
