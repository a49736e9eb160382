#include "sofa/tool/java_json.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "sofa/base/base64.h"
#include "sofa/base/json.h"
#include "sofa/base/text.h"
#include "sofa/tool/java_types.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

namespace {

using Form = TextNode::Form;
using hessian::Value;

struct WholeRange {
  std::string_view primitive, box;
  int64_t low, high;
};
constexpr WholeRange kWholes[] = {
    {"byte", "java.lang.Byte", -128, 127},
    {"short", "java.lang.Short", -32768, 32767},
    {"int", "java.lang.Integer", std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()},
    {"long", "java.lang.Long", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()},
};

const WholeRange* whole_range(std::string_view type) {
  const auto* found = std::ranges::find_if(kWholes, [type](const WholeRange& range) { return range.primitive == type || range.box == type; });
  return found == std::end(kWholes) ? nullptr : found;
}

bool is_float(std::string_view type) {
  return type == "float" || type == "double" || type == "java.lang.Float" || type == "java.lang.Double" || type == "java.lang.Number";
}

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> names) { return std::ranges::find(names, type) != names.end(); }

bool is_primitive(const JavaType& type) {
  return type.dimensions == 0 && type.name.find('.') == std::string::npos && std::islower(type.name[0]) != 0;
}

std::optional<int64_t> whole(const TextNode& json) { return sofa::whole_number<int64_t>(json.text); }

/// One argument on its way to Java.
class ToJava {
 public:
  ToJava(const JavaFlavour& flavour, std::string_view place, Arena& arena) : flavour_(flavour), place_(place), arena_(arena) {}

  Result<Value> convert(const TextNode& json, const JavaType& type) {
    if (json.form == Form::null) {
      if (is_primitive(type)) return wrong(fmt::format("a value for the primitive type {}", type.name), json);
      return Value();
    }
    if (type.dimensions > 0) return array(json, type);
    if (const WholeRange* range = whole_range(type.name)) return whole_number(json, *range);
    if (is_float(type.name)) return only_if(json.form == Form::number, Value(static_cast<double>(json.number)), "a number", json);
    if (is_one_of(type.name, {"boolean", "java.lang.Boolean"}))
      return only_if(json.form == Form::boolean, Value(json.boolean), "true or false", json);
    if (is_one_of(type.name, {"java.lang.String", "java.lang.CharSequence", "char", "java.lang.Character"})) return text(json, type);
    if (const Type* known = java_value_type(type.name)) return known_value(json, type.name, *known);
    if (json.form == Form::list) return list(json, type);
    if (json.form == Form::map) return mapping(json, type);
    if (is_one_of(type.name, {"java.lang.Object", "java.io.Serializable", "java.lang.Comparable"})) return as_it_looks(json);
    if (json.is_text() && !type.name.starts_with("java.")) return enum_constant(json, type);
    return wrong(fmt::format("a list or a mapping for {}", type.name), json);
  }

 private:
  std::unexpected<Error> wrong(std::string_view expected, const TextNode& found) const {
    return fail(Code::invalid_argument, "{}: expected {}, found {}", place_, expected, found.shown());
  }

  Result<Value> only_if(bool fits, Value value, std::string_view expected, const TextNode& found) const {
    if (!fits) return wrong(expected, found);
    return value;
  }

  /// Converts a part; its place counts in errors.
  Result<Value> part(const TextNode& json, const JavaType& type, std::string_view step) {
    const size_t length = place_.size();
    place_ += step;
    auto value = convert(json, type);
    place_.resize(length);
    return value;
  }

  Result<Value> whole_number(const TextNode& json, const WholeRange& range) const {
    const auto number = json.form == Form::number ? whole(json) : std::nullopt;
    if (!number || *number < range.low || *number > range.high) {
      return wrong(fmt::format("a whole number from {} to {}", range.low, range.high), json);
    }
    return range.primitive == "long" ? Value(*number) : Value(static_cast<int32_t>(*number));
  }

  Result<Value> text(const TextNode& json, const JavaType& type) const {
    if (!json.is_text()) return wrong("text", json);
    const bool is_char = is_one_of(type.name, {"char", "java.lang.Character"});
    const auto characters = std::ranges::count_if(json.text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; });
    if (is_char && characters != 1) return wrong("one character", json);
    return Value::text(arena_, json.text);
  }

  /// What the JDK has a class for: read as our type of it, and written as the library of the peer does.
  Result<Value> known_value(const TextNode& json, std::string_view name, const Type& known) {
    auto value = read_java_value(known, to_json_text(json), flavour_, arena_);
    if (!value) return fail(Code::invalid_argument, "{}: {} as {}: {}", place_, json.shown(), name, value.error());
    return value;
  }

  Result<Value> array(const TextNode& json, const JavaType& type) {
    const JavaType element = type.element();
    if (element.dimensions == 0 && element.name == "byte") {
      if (!json.is_text()) return wrong("base64 text for byte[]", json);
      auto bytes = from_base64(json.text);
      if (!bytes) return wrong("base64 text for byte[]", json);
      return Value::bytes(arena_, *bytes);
    }
    if (element.dimensions == 0 && element.name == "char") return only_if(json.is_text(), Value::text(arena_, json.text), "text for char[]", json);
    if (json.form != Form::list) return wrong(fmt::format("a list for {}", type.erased()), json);
    return items(json, element, array_name(type));
  }

  /// The type of an array as Hessian writes it (docs/protocols/hessian.md, section 3).
  static std::string array_name(const JavaType& type) {
    static const std::map<std::string_view, std::string_view> kShort{
        {"java.lang.String", "string"}, {"java.lang.Object", "object"}, {"java.util.Date", "date"}};
    const auto found = kShort.find(type.name);
    return std::string(type.dimensions, '[') + std::string(found == kShort.end() ? type.name : found->second);
  }

  Result<Value> list(const TextNode& json, const JavaType& type) {
    static constexpr std::string_view kInterfaces[] = {"java.util.List", "java.util.Collection", "java.lang.Iterable", "java.util.ArrayList",
                                                       "java.lang.Object"};
    if (!type.name.starts_with("java.")) return wrong(fmt::format("a mapping of the fields of {}", type.name), json);
    const bool plain = std::ranges::find(kInterfaces, type.name) != std::end(kInterfaces);
    const std::string_view name = plain ? "" : type.name == "java.util.Set" ? "java.util.HashSet" : std::string_view(type.name);
    return items(json, type.parameters.empty() ? JavaType{.name = "java.lang.Object"} : type.parameters[0], name);
  }

  Result<Value> items(const TextNode& json, const JavaType& element, std::string_view name) {
    hessian::List* list = hessian::make_list(arena_, hessian::keep(arena_, name));
    for (size_t i = 0; i < json.items.size(); ++i) {
      auto item = part(json.items[i], element, fmt::format("[{}]", i));
      if (!item) return item;
      list->push(*item);
    }
    return Value(list);
  }

  Result<Value> mapping(const TextNode& json, const JavaType& declared) {
    JavaType type = declared;
    if (const TextNode* name = find(json, "class"); name != nullptr && name->is_text()) {
      auto parsed = JavaType::parse(name->text);
      if (!parsed) return forward_error(parsed);
      type = std::move(*parsed);
      const TextNode* value = find(json, "value");
      if (value != nullptr && json.items.size() == 4 && is_value_type(type)) return part(*value, type, ".value");
    }
    const bool is_map = type.name == "java.lang.Object" || type.name == "java.io.Serializable" || type.name.starts_with("java.util.");
    return is_map ? map(json, type) : object(json, type);
  }

  static bool is_value_type(const JavaType& type) {
    return type.dimensions > 0 || whole_range(type.name) != nullptr || is_float(type.name) || java_value_type(type.name) != nullptr ||
           type.name.starts_with("java.lang.");
  }

  Result<Value> map(const TextNode& json, const JavaType& type) {
    const bool plain = is_one_of(type.name, {"java.util.Map", "java.util.HashMap", "java.lang.Object", "java.io.Serializable"});
    hessian::Map* map = hessian::make_map(arena_, plain ? std::string_view() : hessian::keep(arena_, type.name));
    const JavaType anything{.name = "java.lang.Object"};
    const JavaType& key_type = type.parameters.size() == 2 ? type.parameters[0] : anything;
    for (size_t i = 0; i + 1 < json.items.size(); i += 2) {
      const std::string step = fmt::format(".{}", json.items[i].text);
      auto key = part(key_node(json.items[i], key_type), key_type, step);
      if (!key) return key;
      auto value = part(json.items[i + 1], type.parameters.size() == 2 ? type.parameters[1] : anything, step);
      if (!value) return value;
      map->push(*key, *value);
    }
    return Value(map);
  }

  /// A key of a Map<Long, ...> is text in JSON.
  static TextNode key_node(const TextNode& key, const JavaType& type) {
    TextNode node = key;
    if (whole_range(type.name) != nullptr) node.form = Form::number;
    return node;
  }

  Result<Value> object(const TextNode& json, const JavaType& type) {
    std::vector<std::string_view> fields;
    std::vector<Value> values;
    for (size_t i = 0; i + 1 < json.items.size(); i += 2) {
      const std::string& field = json.items[i].text;
      if (field == "class") continue;
      auto value = part(json.items[i + 1], {.name = "java.lang.Object"}, "." + field);
      if (!value) return value;
      fields.push_back(hessian::keep(arena_, field));
      values.push_back(*value);
    }
    hessian::Object* made = hessian::make_object(arena_, *hessian::make_class(arena_, hessian::keep(arena_, type.name), fields));
    std::ranges::copy(values, made->values().begin());
    return Value(made);
  }

  Result<Value> enum_constant(const TextNode& json, const JavaType& type) {
    return Value(hessian::make_object(arena_, hessian::keep(arena_, type.name), {{"name", Value::text(arena_, json.text)}}));
  }

  Result<Value> as_it_looks(const TextNode& json) const {
    if (json.form == Form::boolean) return Value(json.boolean);
    if (json.is_text()) return Value::text(arena_, json.text);
    const auto number = whole(json);
    if (!number) return Value(static_cast<double>(json.number));
    const bool is_int = *number >= std::numeric_limits<int32_t>::min() && *number <= std::numeric_limits<int32_t>::max();
    return is_int ? Value(static_cast<int32_t>(*number)) : Value(*number);
  }

  const JavaFlavour& flavour_;
  std::string place_;
  Arena& arena_;
};

/// A Java value on its way to JSON.
class FromJava {
 public:
  explicit FromJava(const JavaFlavour& flavour) : flavour_(flavour) {}

  void append(const Value& value) {
    if (++visited_ > hessian::kVisitLimit) return append_quoted("...");
    switch (value.kind()) {
      case hessian::ValueKind::null:
      case hessian::ValueKind::boolean:
      case hessian::ValueKind::int32:
      case hessian::ValueKind::int64:
        return append_plain(value);
      case hessian::ValueKind::float64:
        out_ += sofa::to_json(value.number()).value_or("null");
        return;
      case hessian::ValueKind::string:
        return append_quoted(value.text());
      case hessian::ValueKind::bytes:
        return append_typed("byte[]", json_quoted(to_base64(value.bytes())));
      case hessian::ValueKind::date:
        return append_typed("java.util.Date", json_quoted(iso_date(value.integer())));
      default:
        return append_node(value);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void append_quoted(std::string_view text) { out_ += json_quoted(text); }
  void append_plain(const Value& value) {
    if (value.is_null()) {
      out_ += "null";
    } else {
      out_ += value.is_integer() ? std::to_string(value.integer()) : value.boolean() ? "true" : "false";
    }
  }
  void append_typed(std::string_view type, std::string_view json) { out_ += fmt::format(R"({{"class":{},"value":{}}})", json_quoted(type), json); }

  void append_node(const Value& value) {
    if (!open_.insert(value.node()).second) {
      out_ += fmt::format(R"({{"cycle":{}}})", json_quoted(value.object() != nullptr ? value.object()->class_name() : to_string(value.kind())));
      return;
    }
    if (value.list() != nullptr) {
      append_list(*value.list());
    } else if (value.map() != nullptr) {
      append_map(*value.map());
    } else {
      append_object(*value.object());
    }
    open_.erase(value.node());
  }

  void append_list(const hessian::List& list) {
    out_ += '[';
    for (const Value& item : list.items) {
      if (&item != list.items.begin()) out_ += ',';
      append(item);
    }
    out_ += ']';
  }

  void append_map(const hessian::Map& map) {
    out_ += '{';
    for (const auto& [key, value] : map.entries) {
      if (out_.back() != '{') out_ += ',';
      append_quoted(key.kind() == hessian::ValueKind::string ? std::string(key.text())
                    : key.is_integer()                       ? std::to_string(key.integer())
                                                             : hessian::to_text(key));
      out_ += ':';
      append(value);
    }
    out_ += '}';
  }

  void append_object(const hessian::Object& object) {
    if (auto known = java_value_json(object, flavour_)) return append_typed(known->type, known->json);
    out_ += fmt::format(R"({{"class":{})", json_quoted(object.class_name()));
    for (size_t i = 0; i < object.size(); ++i) {
      out_ += fmt::format(",{}:", json_quoted(object.object_class().fields[i]));
      append(object[i]);
    }
    out_ += '}';
  }

  const JavaFlavour& flavour_;
  std::string out_;
  std::set<const void*> open_;  // the nodes that the current one is inside
  size_t visited_ = 0;
};

}  // namespace

Result<Value> to_java(const TextNode& json, const JavaType& type, const JavaFlavour& flavour, std::string_view place, Arena& arena) {
  return ToJava(flavour, place, arena).convert(json, type);
}

Result<JavaType> guess_type(const TextNode& json) {
  switch (json.form) {
    case Form::null:
      return fail(Code::invalid_argument, "null has no type: name the types of the method's parameters, as in 'com.acme.Hello.hello(String,int)'");
    case Form::boolean:
      return JavaType{.name = "boolean"};
    case Form::number: {
      const auto number = whole(json);
      if (!number) return JavaType{.name = "double"};
      return JavaType{.name = *number >= kWholes[2].low && *number <= kWholes[2].high ? "int" : "long"};
    }
    case Form::typed_text:
    case Form::plain_text:
      return JavaType{.name = "java.lang.String"};
    case Form::list:
      return JavaType{.name = "java.util.List"};
    case Form::map:
      break;
  }
  const TextNode* name = find(json, "class");
  return name != nullptr && name->is_text() ? JavaType::parse(name->text) : JavaType{.name = "java.util.Map"};
}

std::string to_json_text(const Value& value, const JavaFlavour& flavour) {
  FromJava writer(flavour);
  writer.append(value);
  return writer.take();
}

}  // namespace sofa::tool
