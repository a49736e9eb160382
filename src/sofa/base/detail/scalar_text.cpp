#include "sofa/base/detail/scalar_text.h"

#include <charconv>
#include <cmath>

#include "sofa/base/base64.h"
#include "sofa/base/text_form.h"

namespace sofa::detail {

namespace {

struct Unit {
  std::string_view name;
  long double factor;
};
constexpr Unit kDurations[] = {{"ns", 1}, {"us", 1e3L}, {"ms", 1e6L}, {"s", 1e9L}, {"m", 60e9L}, {"min", 60e9L}, {"h", 3600e9L}, {"d", 86400e9L}};
constexpr Unit kSizes[] = {{"bytes", 1},  {"B", 1},           {"kB", 1e3L},       {"KB", 1e3L},       {"MB", 1e6L},      {"GB", 1e9L},
                           {"TB", 1e12L}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {"TiB", 1LL << 40}};

long double factor_in(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.factor;
  }
  return 0;
}

/// What one `suffix` is worth in `unit`: 1000 for "s" in "ms"; 0 when they do not fit.
long double scale(std::string_view suffix, std::string_view unit) {
  if (suffix.empty() || suffix == unit) return 1;
  for (const std::span<const Unit> units : {std::span<const Unit>(kDurations), std::span<const Unit>(kSizes)}) {
    const long double from = factor_in(units, suffix), to = factor_in(units, unit);
    if (from != 0 && to != 0) return from / to;
  }
  return 0;
}

struct NumberText {
  long double value;
  std::string_view suffix;
};

std::optional<NumberText> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto rest = [end](const char* at) {
    std::string_view suffix(at, static_cast<size_t>(end - at));
    if (suffix.starts_with(' ')) suffix.remove_prefix(1);
    return suffix;
  };
  const auto is_whole = [end](const char* at) { return at == end || (*at != '.' && *at != 'e' && *at != 'E'); };
  int64_t whole = 0;
  uint64_t natural = 0;
  if (auto [at, error] = std::from_chars(text.data(), end, whole); error == std::errc{} && is_whole(at))
    return NumberText{static_cast<long double>(whole), rest(at)};
  if (auto [at, error] = std::from_chars(text.data(), end, natural); error == std::errc{} && is_whole(at))
    return NumberText{static_cast<long double>(natural), rest(at)};
  double real = 0;
  if (auto [at, error] = std::from_chars(text.data(), end, real); error == std::errc{}) return NumberText{real, rest(at)};
  return std::nullopt;
}

Range limits_of(Kind kind) {
  switch (kind) {
    case Kind::int8:
      return {INT8_MIN, INT8_MAX};
    case Kind::int16:
      return {INT16_MIN, INT16_MAX};
    case Kind::int32:
      return {INT32_MIN, INT32_MAX};
    case Kind::int64:
      return {static_cast<long double>(INT64_MIN), static_cast<long double>(INT64_MAX)};
    case Kind::uint8:
      return {0, UINT8_MAX};
    case Kind::uint16:
      return {0, UINT16_MAX};
    case Kind::uint32:
      return {0, UINT32_MAX};
    case Kind::uint64:
      return {0, static_cast<long double>(UINT64_MAX)};
    default:
      return {};
  }
}

}  // namespace

std::string number_text(long double value) {
  if (std::isfinite(value) && std::floor(value) == value) {
    if (value >= -0x1p63L && value < 0x1p63L) return fmt::to_string(static_cast<int64_t>(value));
    if (value >= 0 && value < 0x1p64L) return fmt::to_string(static_cast<uint64_t>(value));
  }
  return fmt::to_string(static_cast<double>(value));
}

Range range_of(const Type& type, const Field* field) {
  Range range = limits_of(type.kind);
  if (field != nullptr && field->range) {
    range.low = std::max(range.low, field->range->low);
    range.high = std::min(range.high, field->range->high);
  }
  return range;
}

std::vector<std::string_view> suffixes_of(std::string_view unit) {
  if (unit.empty()) return {};
  std::vector<std::string_view> suffixes;
  for (const std::span<const Unit> units : {std::span<const Unit>(kDurations), std::span<const Unit>(kSizes)}) {
    if (factor_in(units, unit) == 0) continue;
    for (const Unit& one : units) suffixes.push_back(one.name);
  }
  return suffixes.empty() ? std::vector{unit} : suffixes;
}

namespace {

std::string expected_number(const Type& type, const Field* field) {
  const Range range = range_of(type, field);
  std::string text = type.is_integer() ? "a whole number" : "a number";
  if (std::isfinite(range.low) && std::isfinite(range.high)) {
    text += fmt::format(" from {} to {}", number_text(range.low), number_text(range.high));
  } else if (std::isfinite(range.low)) {
    text += fmt::format(" of at least {}", number_text(range.low));
  } else if (std::isfinite(range.high)) {
    text += fmt::format(" of at most {}", number_text(range.high));
  }
  if (field != nullptr && !field->unit.empty()) text += fmt::format(" {}", field->unit);
  return text;
}

template <class T>
void store(void* at, long double value) {
  *static_cast<T*>(at) = static_cast<T>(value);
}

Wrong set_special_float(const Type& type, const Field* field, std::string_view text, void* at) {
  if (type.is_integer() || (field != nullptr && field->range)) return quoted(text);
  if (text == "NaN" || text == ".nan") return set_number(type, field, std::nanl(""), at);
  if (text == "Infinity" || text == ".inf") return set_number(type, field, HUGE_VALL, at);
  if (text == "-Infinity" || text == "-.inf") return set_number(type, field, -HUGE_VALL, at);
  return quoted(text);
}

Wrong set_number_text(const Type& type, const Field* field, std::string_view text, void* at) {
  const auto parsed = parse_number(text);
  if (!parsed) return set_special_float(type, field, text, at);
  const std::string_view unit = field == nullptr ? std::string_view{} : field->unit;
  const long double worth = scale(parsed->suffix, unit);
  if (worth == 0) return quoted(text);
  // A factor below one divides, so that 3000us is exactly 3 ms.
  const long double value = worth < 1 ? parsed->value / std::round(1 / worth) : parsed->value * worth;
  const auto wrong = set_number(type, field, value, at);
  if (wrong && !parsed->suffix.empty()) return fmt::format("{} ({} {})", quoted(text), number_text(value), unit);
  return wrong;
}

Wrong set_bytes(const Type& type, std::string_view text, void* at) {
  const auto bytes = from_base64(text);
  if (!bytes) return quoted(text);
  if (type.kind == Kind::bytes) {
    *static_cast<Bytes*>(at) = Bytes::copy_of(*bytes);
  } else {
    type.list->clear(at);
    if (!bytes->empty()) std::memcpy(type.list->extend(at, bytes->size()), bytes->data(), bytes->size());
  }
  return std::nullopt;
}

}  // namespace

bool needs_arena(const IndirectOps& indirect) { return indirect.ownership == Ownership::link || indirect.ownership == Ownership::graph; }

bool is_scalar(const Type& type) { return type.kind <= Kind::enumeration || type.is_byte_list(); }

std::string expected_of(const Type& type, const Field* field) {
  if (type.text_form != nullptr) return std::string(type.text_form->expected);
  switch (type.kind) {
    case Kind::boolean:
      return "true or false";
    case Kind::string:
      return "text";
    case Kind::bytes:
      return "base64 text";
    case Kind::enumeration: {
      std::string names;
      for (const EnumInfo::Value& value : type.enumeration->values) {
        if (type.enumeration->by_number(value.number) != &value) continue;  // another name of one that stands already
        names += fmt::format("{}{}", names.empty() ? "" : ", ", value.name);
      }
      return fmt::format("one of {}", names);
    }
    case Kind::indirect:
      return expected_of(type.indirect->target(), field);
    case Kind::list:
      return type.is_byte_list() ? "base64 text" : "a list";
    case Kind::map:
      return "a mapping";
    case Kind::structure:
      return "a mapping of fields";
    case Kind::other:
      return "a type that text cannot express";
    default:
      return expected_number(type, field);
  }
}

Wrong set_number(const Type& type, const Field* field, long double value, void* at) {
  const Range range = range_of(type, field);
  const bool whole = std::isfinite(value) && std::floor(value) == value;
  if (!type.is_number() || (type.is_integer() && !whole)) return number_text(value);
  if (value < range.low || value > range.high) return number_text(value);
  switch (type.kind) {
    case Kind::int8:
      store<int8_t>(at, value);
      break;
    case Kind::int16:
      store<int16_t>(at, value);
      break;
    case Kind::int32:
      store<int32_t>(at, value);
      break;
    case Kind::int64:
      store<int64_t>(at, value);
      break;
    case Kind::uint8:
      store<uint8_t>(at, value);
      break;
    case Kind::uint16:
      store<uint16_t>(at, value);
      break;
    case Kind::uint32:
      store<uint32_t>(at, value);
      break;
    case Kind::uint64:
      store<uint64_t>(at, value);
      break;
    case Kind::float32:
      if (std::isfinite(value) && std::fabs(value) > std::numeric_limits<float>::max()) return number_text(value);
      store<float>(at, value);
      break;
    default:
      store<double>(at, value);
      break;
  }
  return std::nullopt;
}

Wrong set_boolean(const Type& type, bool value, void* at) {
  if (type.kind != Kind::boolean) return value ? "true" : "false";
  *static_cast<bool*>(at) = value;
  return std::nullopt;
}

Wrong set_text(const Type& type, const Field* field, std::string_view text, bool typed, void* at) {
  switch (type.kind) {
    case Kind::string:
      *static_cast<std::string*>(at) = text;
      return std::nullopt;
    case Kind::bytes:
      return set_bytes(type, text, at);
    case Kind::list:
      return type.is_byte_list() ? set_bytes(type, text, at) : quoted(text);
    case Kind::enumeration: {
      const EnumInfo::Value* value = type.enumeration->by_name(text);
      if (value == nullptr) return quoted(text);
      type.set_number(at, value->number);
      return std::nullopt;
    }
    case Kind::boolean:
      if (typed || (text != "true" && text != "false")) return quoted(text);
      return set_boolean(type, text == "true", at);
    default:
      break;
  }
  if (!type.is_number()) return quoted(text);
  return typed ? set_special_float(type, field, text, at) : set_number_text(type, field, text, at);
}

std::string quoted(std::string_view text) {
  constexpr size_t kShown = 60;
  std::string shown = "\"";
  for (const char c : text.substr(0, kShown)) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  shown += text.size() > kShown ? "...\"" : "\"";
  return shown;
}

}  // namespace sofa::detail
