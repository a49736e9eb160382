// JSON of the JDK's value types and of dynamic values (docs/protocols/sofarpc.md, section 2.4).

#include "sofa/base/text.h"
#include "sofa/base/text_form.h"

#include <cmath>

#include "sofa/wire/hessian/java_types.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::hessian {

namespace {

using Found = std::optional<std::string>;
using Form = TextNode::Form;

template <class T>
const T& as(const void* at) {
  return *static_cast<const T*>(at);
}

bool is_whole(std::string_view digits) { return digits.find_first_of(".eE") == std::string_view::npos; }

bool is_json_number(std::string_view text) {
  const auto take_digits = [&text] {
    const size_t n = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(n);
    return n > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
  if (!take_digits()) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!take_digits()) return false;
  }
  return text.empty();
}

/// Of types with to_string and parse: their text both ways.
template <class T>
Result<void> write_printed(const void* at, TextSink& sink) {
  return sink.text(as<T>(at).to_string());
}
template <class T>
Found read_printed(const TextNode& node, void* at, TextSource&) {
  auto parsed = node.is_text() ? T::parse(node.text) : Result<T>(fail(Code::invalid_argument, ""));
  if (!parsed) return node.shown();
  *static_cast<T*>(at) = *parsed;
  return std::nullopt;
}

Result<void> write_timestamp(const void* at, TextSink& sink) { return sink.token(fmt::to_string(as<Timestamp>(at).milliseconds)); }

Found read_timestamp(const TextNode& node, void* at, TextSource&) {
  auto& timestamp = *static_cast<Timestamp*>(at);
  const auto milliseconds = whole_number<int64_t>(node.text);
  if ((node.form == Form::number || node.is_text()) && milliseconds) {
    timestamp.milliseconds = *milliseconds;
    return std::nullopt;
  }
  auto parsed = node.is_text() ? Timestamp::parse(node.text) : Result<Timestamp>(fail(Code::invalid_argument, ""));
  if (!parsed) return node.shown();
  timestamp = *parsed;
  return std::nullopt;
}

Result<void> write_decimal(const void* at, TextSink& sink) {
  const std::string& value = as<BigDecimal>(at).value;
  if (is_json_number(value)) return sink.token(value);
  return fail(Code::invalid_argument, "\"{}\" is no decimal number as java.math.BigDecimal prints it", value.substr(0, 60));
}

Found read_decimal(const TextNode& node, void* at, TextSource&) {
  if ((node.form != Form::number && !node.is_text()) || !is_json_number(node.text)) return node.shown();
  static_cast<BigDecimal*>(at)->value = node.text;
  return std::nullopt;
}

constexpr size_t kMostWords = 1039;  // those of the most digits that BigInteger::parse takes

Result<void> write_integer(const void* at, TextSink& sink) {
  const auto& integer = as<BigInteger>(at);
  if (integer.magnitude.items.size() <= kMostWords) return sink.token(integer.to_string());
  return fail(Code::resource_exhausted, "a BigInteger of {} words is too large for JSON; send it as Hessian", integer.magnitude.items.size());
}

Found read_integer(const TextNode& node, void* at, TextSource&) {
  auto parsed = node.form == Form::number || node.is_text() ? BigInteger::parse(node.text) : Result<BigInteger>(fail(Code::invalid_argument, ""));
  if (!parsed) return node.shown();
  *static_cast<BigInteger*>(at) = std::move(*parsed);
  return std::nullopt;
}

Result<void> write_locale(const void* at, TextSink& sink) { return sink.text(as<Locale>(at).value); }

Found read_locale(const TextNode& node, void* at, TextSource&) {
  if (!node.is_text()) return node.shown();
  static_cast<Locale*>(at)->value = node.text;
  return std::nullopt;
}

// The nodes of dynamic values as types that the walks of the text formats know.

const Type& list_type() {
  static const Type type = [] {
    static ListOps ops{};
    ops.element = &type_of<Value>;
    ops.size = [](const void* at) { return as<List>(at).size(); };
    ops.clear = [](void*) {};  // only fresh lists are filled
    ops.reserve = [](void* at, size_t more) { static_cast<List*>(at)->items.reserve(more); };
    ops.append = [](void* at) -> void* {
      auto& items = static_cast<List*>(at)->items;
      items.push(Value());
      return &items[items.size() - 1];
    };
    ops.at = [](const void* at, size_t i) -> const void* { return &as<List>(at)[i]; };
    Type made;
    made.kind = Kind::list;
    made.list = &ops;
    return made;
  }();
  return type;
}

Type map_type_of(MapOps& ops) {
  ops.key = &type_of<Value>;
  ops.value = &type_of<Value>;
  ops.clear = [](void*) {};
  Type made;
  made.kind = Kind::map;
  made.map = &ops;
  return made;
}

const Type& map_type() {
  static const Type type = [] {
    static MapOps ops{};
    ops.for_each = [](const void* at, void* context, bool (*visit)(void*, const void*, const void*)) {
      for (const Map::Entry& entry : as<Map>(at).entries) {
        if (!visit(context, &entry.key, &entry.value)) return;
      }
    };
    ops.insert = [](void* at, void* context, bool (*fill)(void*, void*, void*)) {
      Value key, value;
      if (!fill(context, &key, &value)) return false;
      static_cast<Map*>(at)->push(key, value);
      return true;
    };
    return map_type_of(ops);
  }();
  return type;
}

const Type& object_type() {
  static const Type type = [] {
    static MapOps ops{};
    ops.for_each = [](const void* at, void* context, bool (*visit)(void*, const void*, const void*)) {
      const auto& object = as<Object>(at);
      for (size_t i = 0; i < object.size(); ++i) {
        const Value name = Value::literal(object.object_class().fields[i]);
        if (!visit(context, &name, &object[i])) return;
      }
    };
    return map_type_of(ops);
  }();
  return type;
}

constexpr std::string_view kDecimalClass = "java.math.BigDecimal", kIntegerClass = "java.math.BigInteger";

Result<void> write_object(const Object& object, TextSink& sink) {
  if (const Value* value = object.find("value"); object.class_name() == kDecimalClass && value != nullptr) {
    const BigDecimal decimal{std::string(value->text())};
    return write_decimal(&decimal, sink);
  }
  const Value *sign = object.find("signum"), *words = object.find("mag");
  if (object.class_name() != kIntegerClass || sign == nullptr || words == nullptr || words->list() == nullptr)
    return sink.value(object_type(), &object);
  BigInteger integer{.sign = static_cast<int32_t>(sign->integer()), .magnitude = {}};
  for (const Value& word : words->list()->items) integer.magnitude.items.push_back(static_cast<int32_t>(word.integer()));
  return write_integer(&integer, sink);
}

Result<void> write_value(const void* at, TextSink& sink) {
  const auto& value = as<Value>(at);
  switch (value.kind()) {
    case ValueKind::null:
      return sink.token("null");
    case ValueKind::boolean:
      return sink.token(value.boolean() ? "true" : "false");
    case ValueKind::int32:
    case ValueKind::int64:
    case ValueKind::date:
      return sink.token(fmt::to_string(value.integer()));
    case ValueKind::float64: {
      const double number = value.number();
      return sink.value(type_of<double>(), &number);
    }
    case ValueKind::string:
      return sink.text(value.text());
    case ValueKind::bytes: {
      const Bytes bytes = Bytes::copy_of(value.bytes());
      return sink.value(type_of<Bytes>(), &bytes);
    }
    case ValueKind::list:
      return sink.value(list_type(), value.list());
    case ValueKind::map:
      return sink.value(map_type(), value.map());
    case ValueKind::object:
      return write_object(*value.object(), sink);
  }
  return {};
}

Found read_number(const TextNode& node, Value& value, Arena& arena) {
  if (!is_whole(node.text)) {
    if (!std::isfinite(node.number)) return "a number too large for 64 bits";
    value = Value(static_cast<double>(node.number));
    return std::nullopt;
  }
  if (const auto whole = whole_number<int64_t>(node.text)) {
    value = *whole >= INT32_MIN && *whole <= INT32_MAX ? Value(static_cast<int32_t>(*whole)) : Value(*whole);
    return std::nullopt;
  }
  const auto integer = BigInteger::parse(node.text);
  if (!integer) return "a whole number of more than 10,000 digits";
  List* words = make_list(arena, "[int");
  for (const int32_t word : integer->magnitude.items) words->push(Value(word));
  value = make_object(arena, kIntegerClass, {{"signum", Value(integer->sign)}, {"mag", Value(words)}});
  return std::nullopt;
}

Found read_value(const TextNode& node, void* at, TextSource& source) {
  auto& value = *static_cast<Value*>(at);
  Arena* const arena = source.arena();
  if (arena == nullptr) return "no Graph around it";
  switch (node.form) {
    case Form::null:
      value = Value();
      break;
    case Form::boolean:
      value = Value(node.boolean);
      break;
    case Form::number:
      return read_number(node, value, *arena);
    case Form::typed_text:
    case Form::plain_text:
      value = Value::text(*arena, node.text);
      break;
    case Form::list: {
      List* list = make_list(*arena);
      source.fill(node, list_type(), list);
      value = list;
      break;
    }
    case Form::map: {
      Map* map = make_map(*arena);
      source.fill(node, map_type(), map);
      value = map;
      break;
    }
  }
  return std::nullopt;
}

}  // namespace

constinit const TextForm kTimestampText{"a date: milliseconds since 1970 or ISO 8601", write_timestamp, read_timestamp};
constinit const TextForm kBigDecimalText{"a decimal number", write_decimal, read_decimal};
constinit const TextForm kBigIntegerText{"a whole number of at most 10,000 digits", write_integer, read_integer};
constinit const TextForm kUuidText{"a UUID", write_printed<Uuid>, read_printed<Uuid>};
constinit const TextForm kLocaleText{"a locale as text", write_locale, read_locale};
constinit const TextForm kLocalDateText{"a date as in 2000-01-31", write_printed<LocalDate>, read_printed<LocalDate>};
constinit const TextForm kLocalTimeText{"a time as in 10:15:30", write_printed<LocalTime>, read_printed<LocalTime>};
constinit const TextForm kLocalDateTimeText{"a date and time as in 2000-01-31T10:15:30", write_printed<LocalDateTime>, read_printed<LocalDateTime>};
constinit const TextForm kZoneOffsetText{"a zone offset as in +08:00", write_printed<ZoneOffset>, read_printed<ZoneOffset>};
constinit const TextForm kValueText{"any value inside a Graph, which owns it", write_value, read_value};

}  // namespace sofa::hessian
