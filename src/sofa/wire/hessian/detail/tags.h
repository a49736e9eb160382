#pragma once
// The meaning of a first byte in each dialect: docs/protocols/hessian.md, section 1. One table a dialect, so that the readers know no bytes.

#include <array>
#include <cstdint>

namespace sofa::hessian::detail {

enum class Tag : uint8_t {
  invalid,
  null,
  true_value,
  false_value,
  int_1,  // the number of bytes of the whole value
  int_2,
  int_3,
  int_5,
  long_1,
  long_2,
  long_3,
  long_5,
  long_9,
  double_zero,
  double_one,
  double_byte,
  double_short,
  double_float,
  double_mills,
  double_9,
  date_milliseconds,
  date_minutes,
  string_short,   // the length is in the tag
  string_medium,  // two bits of the length are in the tag
  string_final,
  string_chunk,
  binary_short,
  binary_medium,
  binary_final,
  binary_chunk,
  list_h3,        // V [type] [length] items z
  list_h3_again,  // v typeRef length items
  list_typed_short,
  list_typed,
  list_typed_open,
  list_short,
  list_untyped,
  list_open,
  map_h3,
  map_typed,
  map_untyped,
  definition,
  object,        // an int names the class
  object_short,  // the tag names the class
  ref_1,
  ref_2,
  ref_4,
  ref_int,
  remote,
};

using TagTable = std::array<Tag, 256>;

constexpr void set_tags(TagTable& table, int from, int to, Tag tag) {
  for (int i = from; i <= to; ++i) table[static_cast<size_t>(i)] = tag;
}

constexpr TagTable common_tags() {
  TagTable t{};
  set_tags(t, 'N', 'N', Tag::null);
  set_tags(t, 'T', 'T', Tag::true_value);
  set_tags(t, 'F', 'F', Tag::false_value);
  set_tags(t, 0x80, 0xbf, Tag::int_1);
  set_tags(t, 0xc0, 0xcf, Tag::int_2);
  set_tags(t, 0xd0, 0xd7, Tag::int_3);
  set_tags(t, 'I', 'I', Tag::int_5);
  set_tags(t, 0xd8, 0xef, Tag::long_1);
  set_tags(t, 0xf0, 0xff, Tag::long_2);
  set_tags(t, 0x38, 0x3f, Tag::long_3);
  set_tags(t, 'L', 'L', Tag::long_9);
  set_tags(t, 'D', 'D', Tag::double_9);
  set_tags(t, 0x00, 0x1f, Tag::string_short);
  set_tags(t, 'S', 'S', Tag::string_final);
  set_tags(t, 0x20, 0x2f, Tag::binary_short);
  set_tags(t, 'B', 'B', Tag::binary_final);
  return t;
}

constexpr TagTable h3_tags() {
  TagTable t = common_tags();
  set_tags(t, 0x77, 0x77, Tag::long_5);
  set_tags(t, 0x67, 0x67, Tag::double_zero);
  set_tags(t, 0x68, 0x68, Tag::double_one);
  set_tags(t, 0x69, 0x69, Tag::double_byte);
  set_tags(t, 0x6a, 0x6a, Tag::double_short);
  set_tags(t, 0x6b, 0x6b, Tag::double_float);
  set_tags(t, 'd', 'd', Tag::date_milliseconds);
  set_tags(t, 's', 's', Tag::string_chunk);
  set_tags(t, 'b', 'b', Tag::binary_chunk);
  set_tags(t, 'V', 'V', Tag::list_h3);
  set_tags(t, 'v', 'v', Tag::list_h3_again);
  set_tags(t, 'M', 'M', Tag::map_h3);
  set_tags(t, 'O', 'O', Tag::definition);
  set_tags(t, 'o', 'o', Tag::object);
  set_tags(t, 0x4a, 0x4a, Tag::ref_1);
  set_tags(t, 0x4b, 0x4b, Tag::ref_2);
  set_tags(t, 'R', 'R', Tag::ref_4);
  set_tags(t, 'r', 'r', Tag::remote);
  return t;
}

constexpr TagTable h4_tags() {
  TagTable t = common_tags();
  set_tags(t, 0x59, 0x59, Tag::long_5);
  set_tags(t, 0x5b, 0x5b, Tag::double_zero);
  set_tags(t, 0x5c, 0x5c, Tag::double_one);
  set_tags(t, 0x5d, 0x5d, Tag::double_byte);
  set_tags(t, 0x5e, 0x5e, Tag::double_short);
  set_tags(t, 0x5f, 0x5f, Tag::double_mills);
  set_tags(t, 0x4a, 0x4a, Tag::date_milliseconds);
  set_tags(t, 0x4b, 0x4b, Tag::date_minutes);
  set_tags(t, 0x30, 0x33, Tag::string_medium);
  set_tags(t, 'R', 'R', Tag::string_chunk);
  set_tags(t, 0x34, 0x37, Tag::binary_medium);
  set_tags(t, 'A', 'A', Tag::binary_chunk);
  set_tags(t, 0x55, 0x55, Tag::list_typed_open);
  set_tags(t, 'V', 'V', Tag::list_typed);
  set_tags(t, 0x57, 0x57, Tag::list_open);
  set_tags(t, 0x58, 0x58, Tag::list_untyped);
  set_tags(t, 0x70, 0x77, Tag::list_typed_short);
  set_tags(t, 0x78, 0x7f, Tag::list_short);
  set_tags(t, 'M', 'M', Tag::map_typed);
  set_tags(t, 'H', 'H', Tag::map_untyped);
  set_tags(t, 'C', 'C', Tag::definition);
  set_tags(t, 'O', 'O', Tag::object);
  set_tags(t, 0x60, 0x6f, Tag::object_short);
  set_tags(t, 0x51, 0x51, Tag::ref_int);
  return t;
}

inline constexpr TagTable kH3Tags = h3_tags();
inline constexpr TagTable kH4Tags = h4_tags();

constexpr bool is_reference(Tag tag) { return tag >= Tag::ref_1 && tag <= Tag::ref_int; }
constexpr bool is_list(Tag tag) { return tag >= Tag::list_h3 && tag <= Tag::list_open; }
constexpr bool is_map(Tag tag) { return tag >= Tag::map_h3 && tag <= Tag::map_untyped; }
constexpr bool is_object(Tag tag) { return tag == Tag::object || tag == Tag::object_short; }
constexpr bool is_string(Tag tag) { return tag >= Tag::string_short && tag <= Tag::string_chunk; }
constexpr bool is_binary(Tag tag) { return tag >= Tag::binary_short && tag <= Tag::binary_chunk; }
constexpr bool is_integer(Tag tag) { return tag >= Tag::int_1 && tag <= Tag::long_9; }
constexpr bool is_double(Tag tag) { return tag >= Tag::double_zero && tag <= Tag::double_9; }
constexpr bool is_date(Tag tag) { return tag == Tag::date_milliseconds || tag == Tag::date_minutes; }

/// How the value of an int or long of up to three bytes, the same in both dialects, follows from the big-endian word at its tag:
/// (word >> shift) - bias.
struct CompactInteger {
  uint8_t length = 0;  // 0: the tag begins another form
  uint8_t shift = 0;
  bool is_long = false;
  int32_t bias = 0;
};

constexpr std::array<CompactInteger, 256> compact_integers() {
  std::array<CompactInteger, 256> table{};
  const auto set = [&](int from, int to, CompactInteger form) {
    for (int i = from; i <= to; ++i) table[static_cast<size_t>(i)] = form;
  };
  set(0x80, 0xbf, {1, 24, false, 0x90});
  set(0xc0, 0xcf, {2, 16, false, 0xc8 << 8});
  set(0xd0, 0xd7, {3, 8, false, 0xd4 << 16});
  set(0xd8, 0xef, {1, 24, true, 0xe0});
  set(0xf0, 0xff, {2, 16, true, 0xf8 << 8});
  set(0x38, 0x3f, {3, 8, true, 0x3c << 16});
  return table;
}
inline constexpr std::array<CompactInteger, 256> kCompactIntegers = compact_integers();

/// "a list" for any tag that begins one, and so on.
constexpr const char* describe(Tag tag) {
  if (is_reference(tag)) return "a reference";
  if (is_list(tag)) return "a list";
  if (is_map(tag)) return "a map";
  if (is_object(tag) || tag == Tag::definition) return "an object";
  if (is_string(tag)) return "a string";
  if (is_binary(tag)) return "a binary";
  if (is_double(tag)) return "a double";
  if (is_date(tag)) return "a date";
  if (is_integer(tag)) return tag <= Tag::int_5 ? "an int" : "a long";
  if (tag == Tag::remote) return "a remote object";
  return tag == Tag::invalid ? "no value" : tag == Tag::null ? "null" : "a boolean";
}

}  // namespace sofa::hessian::detail
