#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "sofa/base/text.h"
#include "sofa/wire/hessian/detail/reader_inline.h"
#include "sofa/wire/hessian/detail/text.h"

namespace sofa::hessian {

using namespace detail;

namespace {

/// A long from a double as Java casts it: truncated, saturated, NaN is 0.
int64_t java_long(double v) {
  if (std::isnan(v)) return 0;
  if (v >= 9223372036854775807.0) return std::numeric_limits<int64_t>::max();
  if (v <= -9223372036854775808.0) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(v);
}

bool parse_double(const std::string& text, double& out) {
  char* end = nullptr;
  out = std::strtod(text.c_str(), &end);
  return !text.empty() && end == text.c_str() + text.size();
}

std::string print_double(double v) {
  std::string text = fmt::format("{}", v);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

bool Reader::integer_body(Tag tag, uint8_t byte, int64_t& out) {
  switch (tag) {
    case Tag::int_1:
      out = byte - 0x90;
      return true;
    case Tag::long_1:
      out = byte - 0xe0;
      return true;
    case Tag::int_2:
    case Tag::long_2:
      if (!need(1)) return false;
      out = (byte - (tag == Tag::int_2 ? 0xc8 : 0xf8)) * 256 + *at_++;
      return true;
    case Tag::int_3:
    case Tag::long_3:
      if (!need(2)) return false;
      out = (byte - (tag == Tag::int_3 ? 0xd4 : 0x3c)) * 65536 + load_be<uint16_t>(at_);
      at_ += 2;
      return true;
    case Tag::int_5:
    case Tag::long_5:
      if (!need(4)) return false;
      out = load_be<int32_t>(at_);
      at_ += 4;
      return true;
    default:
      if (!need(8)) return false;
      out = load_be<int64_t>(at_);
      at_ += 8;
      return true;
  }
}

bool Reader::double_body(Tag tag, double& out) {
  switch (tag) {
    case Tag::double_zero:
      out = 0;
      return true;
    case Tag::double_one:
      out = 1;
      return true;
    case Tag::double_byte:
      if (!need(1)) return false;
      out = static_cast<int8_t>(*at_++);
      return true;
    case Tag::double_short:
      if (!need(2)) return false;
      out = load_be<int16_t>(at_);
      at_ += 2;
      return true;
    case Tag::double_float:
      if (!need(4)) return false;
      out = std::bit_cast<float>(load_be<uint32_t>(at_));
      at_ += 4;
      return true;
    case Tag::double_mills:
      if (!need(4)) return false;
      out = 0.001 * load_be<int32_t>(at_);  // in doubles, as Java computes it: m / 1000.0 differs in the last bit
      at_ += 4;
      return true;
    default:
      if (!need(8)) return false;
      out = std::bit_cast<double>(load_be<uint64_t>(at_));
      at_ += 8;
      return true;
  }
}

bool Reader::date_body(Tag tag, int64_t& out) {
  if (tag == Tag::date_minutes) {
    if (!need(4)) return false;
    out = int64_t{load_be<int32_t>(at_)} * 60000;
    at_ += 4;
    return true;
  }
  if (!need(8)) return false;
  out = load_be<int64_t>(at_);
  at_ += 8;
  return true;
}

/// The UTF-16 units of a chunk whose tag was taken.
bool Reader::text_length(Tag tag, uint8_t byte, size_t& units) {
  if (tag == Tag::string_short) {
    units = byte;
    return true;
  }
  if (tag == Tag::string_medium) {
    if (!need(1)) return false;
    units = static_cast<size_t>(byte & 3) << 8 | *at_++;
    return true;
  }
  if (!need(2)) return false;
  units = load_be<uint16_t>(at_);
  at_ += 2;
  return true;
}

bool Reader::text_body(Tag tag, uint8_t byte, std::string& out) {
  const size_t start = out.size();
  while (true) {
    size_t units = 0;
    if (!text_length(tag, byte, units) || !append_units(units, start, out)) return false;
    if (tag != Tag::string_chunk) return true;
    if (!next(tag, byte)) return false;
    if (!is_string(tag)) return unexpected("the next chunk of a string");
  }
}

bool Reader::append_units(size_t units, size_t start, std::string& out) {
  if (left() < units) return truncated();
  if (is_ascii(reinterpret_cast<const char*>(at_), units)) [[likely]] {
    out.append(reinterpret_cast<const char*>(at_), units);
    at_ += units;
    return true;
  }
  return decode_units(units, start, out);
}

/// Appends units in UTF-8. A low surrogate after a high one of the same string makes their code point, also across chunks.
bool Reader::decode_units(size_t units, size_t start, std::string& out) {
  const size_t old = out.size();
  out.resize(old + units * 3 + 1);
  auto* const base = reinterpret_cast<uint8_t*>(out.data());
  uint8_t* p = base + old;
  while (units > 0) {
    if (at_ == end_) return truncated();
    const uint8_t lead = *at_;
    if (lead < 0x80) {
      *p++ = lead;
      ++at_;
      --units;
      continue;
    }
    if (lead >= 0xe1 && lead < 0xed && left() >= 3 && is_continuation(at_[1]) && is_continuation(at_[2])) {  // most of what is not Latin
      std::memcpy(p, at_, 3);
      p += 3;
      at_ += 3;
      --units;
      continue;
    }
    const size_t length = lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    const size_t width = length == 4 ? 2 : 1;
    if (length > left()) return truncated();
    bool good = length != 0 && width <= units;
    for (size_t i = 1; good && i < length; ++i) good = is_continuation(at_[i]);
    if (good && length == 4) good = next_code_point({reinterpret_cast<const char*>(at_), length}).length == 4;  // too long a form, behind U+10FFFF
    if (!good) return fail_with(Code::invalid_argument, fmt::format("a string has bad UTF-8 (0x{:02x} {} bytes into the input)", lead, at_ - begin_));
    if (length == 4) {
      std::memcpy(p, at_, 4);
      p += 4;
    } else {
      const uint32_t unit = length == 2 ? (lead & 0x1fu) << 6 | (at_[1] & 0x3fu) : (lead & 0x0fu) << 12 | (at_[1] & 0x3fu) << 6 | (at_[2] & 0x3fu);
      const bool pair = is_low_surrogate(unit) && p - base >= static_cast<ptrdiff_t>(start + 3) && p[-3] == 0xed && p[-2] >= 0xa0 && p[-2] < 0xb0;
      if (pair) {
        const uint32_t high = 0xd000u | (p[-2] & 0x3fu) << 6 | (p[-1] & 0x3fu);
        const uint32_t point = 0x10000 + ((high & 0x3ffu) << 10) + (unit & 0x3ffu);
        p -= 3;
        *p++ = static_cast<uint8_t>(0xf0 | point >> 18);
        *p++ = static_cast<uint8_t>(0x80 | (point >> 12 & 0x3f));
        *p++ = static_cast<uint8_t>(0x80 | (point >> 6 & 0x3f));
        *p++ = static_cast<uint8_t>(0x80 | (point & 0x3f));
      } else {
        p = put_unit(p, unit);
      }
    }
    at_ += length;
    units -= width;
  }
  out.resize(static_cast<size_t>(p - base));
  return true;
}

bool Reader::binary_length(Tag tag, uint8_t byte, size_t& n) {
  if (tag == Tag::binary_short) {
    n = byte & 15u;
  } else if (tag == Tag::binary_medium) {
    if (!need(1)) return false;
    n = static_cast<size_t>(byte & 3) << 8 | *at_++;
  } else {
    if (!need(2)) return false;
    n = load_be<uint16_t>(at_);
    at_ += 2;
  }
  return need(n);
}

bool Reader::binary_body(Tag tag, uint8_t byte, std::string& out) {
  while (true) {
    size_t n = 0;
    if (!binary_length(tag, byte, n)) return false;
    out.append(reinterpret_cast<const char*>(at_), n);
    at_ += n;
    if (tag != Tag::binary_chunk) return true;
    if (!next(tag, byte)) return false;
    if (!is_binary(tag)) return unexpected("the next chunk of a binary");
  }
}

/// A number inside an object: the handles of Byte, Short and Float, AtomicInteger and its like, java.sql.Timestamp.
bool Reader::read_scalar_object(Tag tag, std::string_view expected, Value& out) {
  if (!is_object(tag) && !is_reference(tag)) return unexpected(expected);
  at_ = value_at_;
  const uint8_t* const object_at = value_at_;
  Value object;
  if (!build(object)) return false;
  const Value* inner = object.find("_value");
  if (inner == nullptr) inner = object.find("value");
  if (inner == nullptr || inner->node() != nullptr) {
    value_at_ = object_at;
    return unexpected(expected);
  }
  out = *inner;
  return true;
}

bool Reader::read_int(int64_t& out) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  if (is_integer(tag)) [[likely]] {
    return integer_body(tag, byte, out);
  }
  if (tag <= Tag::false_value && tag != Tag::invalid) {
    out = tag == Tag::true_value ? 1 : 0;
    return true;
  }
  if (is_double(tag)) {
    double real = 0;
    const bool done = double_body(tag, real);
    out = java_long(real);
    return done;
  }
  if (is_date(tag)) return date_body(tag, out);
  if (is_string(tag)) {
    std::string text;
    if (!text_body(tag, byte, text)) return false;
    const auto number = whole_number<int64_t>(text);
    out = number.value_or(0);
    return number || fail_with(Code::invalid_argument, fmt::format("expected a whole number, found the string \"{}\"", text.substr(0, 40)));
  }
  Value inner;
  if (!read_scalar_object(tag, "a whole number", inner)) return false;
  out = inner.kind() == ValueKind::boolean ? inner.boolean() : inner.kind() == ValueKind::float64 ? java_long(inner.number()) : inner.integer();
  return true;
}

bool Reader::read_double(double& out) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  if (is_double(tag)) [[likely]] {
    return double_body(tag, out);
  }
  if (is_integer(tag)) {
    int64_t integer = 0;
    const bool done = integer_body(tag, byte, integer);
    out = static_cast<double>(integer);
    return done;
  }
  if (tag <= Tag::false_value && tag != Tag::invalid) {
    out = tag == Tag::true_value ? 1 : 0;
    return true;
  }
  if (is_string(tag)) {
    std::string text;
    if (!text_body(tag, byte, text)) return false;
    return parse_double(text, out) ||
           fail_with(Code::invalid_argument, fmt::format("expected a number, found the string \"{}\"", text.substr(0, 40)));
  }
  Value inner;
  if (!read_scalar_object(tag, "a number", inner)) return false;
  out = inner.number();
  return true;
}

bool Reader::read_bool(bool& out) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  if (tag <= Tag::false_value && tag != Tag::invalid) {
    out = tag == Tag::true_value;
    return true;
  }
  if (is_integer(tag)) {
    int64_t integer = 0;
    const bool done = integer_body(tag, byte, integer);
    out = integer != 0;
    return done;
  }
  if (is_double(tag)) {
    double real = 0;
    const bool done = double_body(tag, real);
    out = real != 0;
    return done;
  }
  if (is_string(tag)) {
    std::string text;
    if (!text_body(tag, byte, text)) return false;
    out = text == "true";
    return out || text == "false" ||
           fail_with(Code::invalid_argument, fmt::format("expected a boolean, found the string \"{}\"", text.substr(0, 40)));
  }
  Value inner;
  if (!read_scalar_object(tag, "a boolean", inner)) return false;
  out = inner.boolean() || inner.number() != 0;
  return true;
}

bool Reader::read_date(int64_t& out) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  if (is_date(tag)) return date_body(tag, out);
  if (is_integer(tag)) return integer_body(tag, byte, out);
  if (tag == Tag::null) {
    out = 0;
    return true;
  }
  Value inner;
  if (!read_scalar_object(tag, "a date", inner)) return false;
  out = inner.integer();
  return true;
}

bool Reader::read_text(std::string& out) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  // The usual string stands in one chunk and is ASCII.
  if (tag == Tag::string_short && left() >= byte && is_ascii(reinterpret_cast<const char*>(at_), byte)) [[likely]] {
    out.assign(reinterpret_cast<const char*>(at_), byte);
    at_ += byte;
    return true;
  }
  out.clear();
  return read_text_slow(tag, byte, out);
}

bool Reader::read_text_slow(Tag tag, uint8_t byte, std::string& out) {
  if (is_string(tag)) return text_body(tag, byte, out);
  if (tag == Tag::null) return true;
  if (tag == Tag::true_value || tag == Tag::false_value) {
    out = tag == Tag::true_value ? "true" : "false";
    return true;
  }
  if (is_integer(tag)) {
    int64_t integer = 0;
    if (!integer_body(tag, byte, integer)) return false;
    out = fmt::format("{}", integer);
    return true;
  }
  if (!is_double(tag)) return unexpected("a string");
  double real = 0;
  if (!double_body(tag, real)) return false;
  out = print_double(real);
  return true;
}

bool Reader::read_binary(std::string& out) {
  Tag tag;
  uint8_t byte;
  if (!next(tag, byte)) return false;
  out.clear();
  if (tag == Tag::null) return true;
  return is_binary(tag) ? binary_body(tag, byte, out) : unexpected("a binary");
}

/// An int where the grammar itself has one: a length, a class or type number.
bool Reader::count(int64_t& out) {
  value_at_ = at_;
  if (!need(1)) return false;
  const uint8_t byte = *at_;
  const Tag tag = tags_[byte];
  if (tag < Tag::int_1 || tag > Tag::int_5) return unexpected("a length or a number of a table");
  ++at_;
  if (!integer_body(tag, byte, out)) return false;
  return out >= 0 || fail_with(Code::invalid_argument, fmt::format("a length or a number of a table is {}", out));
}

/// The name of a field, or in H4 of a class or type.
bool Reader::name(std::string_view& out) {
  value_at_ = at_;
  if (!need(1)) return false;
  const uint8_t byte = *at_;
  const Tag tag = tags_[byte];
  if (!is_string(tag) || tag == Tag::string_chunk) return unexpected("a name");
  ++at_;
  size_t units = 0;
  return text_length(tag, byte, units) && name_of_units(units, out);
}

bool Reader::name_of_units(size_t units, std::string_view& out) {
  if (units > limits_.name_units)
    return fail_with(Code::resource_exhausted, fmt::format("a name has {} characters, more than {}", units, limits_.name_units));
  if (!need(units)) return false;
  if (is_ascii(reinterpret_cast<const char*>(at_), units)) {
    out = {reinterpret_cast<const char*>(at_), units};
    at_ += units;
    return true;
  }
  std::string text;
  if (!decode_units(units, 0, text)) return false;
  out = keep(own_arena(), text);
  return true;
}

bool Reader::skip_units(size_t units) {
  if (!need(units)) return false;
  if (is_ascii(reinterpret_cast<const char*>(at_), units)) {
    at_ += units;
    return true;
  }
  scratch_.clear();
  return decode_units(units, 0, scratch_);
}

bool Reader::skip_scalar(Tag tag, uint8_t byte) {
  int64_t integer = 0;
  double real = 0;
  if (tag == Tag::invalid) return unexpected("a value");
  if (tag <= Tag::false_value) return true;
  if (is_integer(tag)) return integer_body(tag, byte, integer);
  if (is_double(tag)) return double_body(tag, real);
  if (is_date(tag)) return date_body(tag, integer);
  while (is_string(tag)) {
    size_t units = 0;
    if (!text_length(tag, byte, units) || !skip_units(units)) return false;
    if (tag != Tag::string_chunk) return true;
    if (!next(tag, byte)) return false;
    if (!is_string(tag)) return unexpected("the next chunk of a string");
  }
  while (is_binary(tag)) {
    size_t n = 0;
    if (!binary_length(tag, byte, n)) return false;
    at_ += n;
    if (tag != Tag::binary_chunk) return true;
    if (!next(tag, byte)) return false;
    if (!is_binary(tag)) return unexpected("the next chunk of a binary");
  }
  return unexpected("a value");
}

}  // namespace sofa::hessian
