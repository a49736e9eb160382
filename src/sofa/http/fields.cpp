#include "sofa/http/fields.h"

#include <array>

#include "sofa/base/text.h"
#include "sofa/http/exchange.h"

namespace sofa::http {

namespace {

/// Which bytes something may hold. It is asked of every field of every message.
class ByteSet {
 public:
  template <class F>
  explicit constexpr ByteSet(F holds) {
    for (int c = 0; c < 256; ++c) holds_[static_cast<size_t>(c)] = holds(static_cast<char>(c));
  }
  bool holds_all(std::string_view text) const {
    bool all = true;
    for (const char c : text) all &= holds_[static_cast<uint8_t>(c)];
    return all;
  }

 private:
  std::array<bool, 256> holds_{};
};

constexpr ByteSet kTokenBytes([](char c) {  // RFC 9110, 5.6.2
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
});
constexpr ByteSet kValueBytes([](char c) { return c == '\t' || (static_cast<uint8_t>(c) >= ' ' && c != 0x7f); });  // RFC 9110, 5.5
constexpr ByteSet kTargetBytes([](char c) { return static_cast<uint8_t>(c) > ' ' && c != 0x7f; });

bool is_field_name(std::string_view name) { return !name.empty() && kTokenBytes.holds_all(name); }

}  // namespace

Result<void> check_fields(const Headers& headers) {
  for (const HeaderField field : headers) {
    if (!is_field_name(field.name)) return fail(Code::invalid_argument, "'{}' is no name of a header: use letters, digits and '-'", field.name);
    if (!kValueBytes.holds_all(field.value)) {
      return fail(Code::invalid_argument, "the value of the header '{}' holds a line end or another control character: encode it", field.name);
    }
  }
  return {};
}

Result<void> check_to_send(const RequestHead& head) {
  if (!is_field_name(head.method)) return fail(Code::invalid_argument, "'{}' is no method", head.method);
  if (head.target.empty() || !kTargetBytes.holds_all(head.target)) {
    return fail(Code::invalid_argument, "the target '{}' is empty or holds a space: encode it", head.target);
  }
  if (!kValueBytes.holds_all(head.authority)) return fail(Code::invalid_argument, "the authority '{}' holds a line end", head.authority);
  return check_fields(head.headers);
}

}  // namespace sofa::http
