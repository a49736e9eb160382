#include "sofa/rpc/detail/dubbo_generic.h"

#include <unordered_map>
#include <unordered_set>

namespace sofa::rpc::detail {

using hessian::List;
using hessian::Map;
using hessian::Object;
using hessian::Value;
using hessian::ValueKind;

namespace {

constexpr std::string_view kBeanClass = "org.apache.dubbo.common.beanutil.JavaBeanDescriptor";
enum class BeanType : int32_t { class_name = 1, enumeration = 2, collection = 3, map = 4, array = 5, primitive = 6, bean = 7 };
constexpr std::string_view kBeanFields[] = {"properties", "type", "className"};
constexpr hessian::ObjectClass kBean{kBeanClass, kBeanFields};

/// Hessian's name of an array type for Java's name of its elements.
std::string array_type(std::string_view element) {
  if (element == "java.lang.String") return "[string";
  if (element == "java.lang.Object") return "[object";
  return "[" + std::string(element);
}

/// Walks an argument. What was met once is the same node again, so shared parts stay shared and cycles end.
class Realizer {
 public:
  Realizer(DubboForm form, Arena& arena) : form_(form), arena_(arena) {}

  Value value(const Value& from) {
    if (from.node() == nullptr) return from;
    if (const auto known = made_.find(from.node()); known != made_.end()) return known->second;
    if (const List* list = from.list()) return items(*list);
    if (const Map* map = from.map()) return pairs(*map);
    if (form_ == DubboForm::bean && from.object()->class_name() == kBeanClass) return bean(*from.object());
    return from;
  }

 private:
  Value items(const List& from) {
    List* list = hessian::make_list(arena_, from.type);
    made_[&from] = list;
    for (const Value& item : from.items) list->push(value(item));
    return list;
  }

  Value pairs(const Map& from) {
    const Value* class_name = from.find("class");
    if (form_ != DubboForm::bean && class_name != nullptr && class_name->kind() == ValueKind::string) return object(from, class_name->text());
    Map* map = hessian::make_map(arena_, from.type);
    made_[&from] = map;
    for (const Map::Entry& entry : from.entries) map->push(value(entry.key), value(entry.value));
    return map;
  }

  Value object(const Map& from, std::string_view class_name) {
    std::vector<std::string_view> fields;
    std::vector<const Value*> values;
    for (const Map::Entry& entry : from.entries) {
      if (entry.key.kind() != ValueKind::string || entry.key.text() == "class") continue;
      fields.push_back(hessian::keep(arena_, entry.key.text()));
      values.push_back(&entry.value);
    }
    Object* made = hessian::make_object(arena_, *hessian::make_class(arena_, hessian::keep(arena_, class_name), fields));
    made_[&from] = made;
    for (size_t i = 0; i < values.size(); ++i) (*made)[i] = value(*values[i]);
    return made;
  }

  Value bean(const Object& from) {
    const Value *type = from.find("type"), *name = from.find("className"), *properties = from.find("properties");
    const Map* map = properties == nullptr ? nullptr : properties->map();
    if (map == nullptr || type == nullptr || name == nullptr) return {};
    switch (static_cast<BeanType>(type->integer())) {
      case BeanType::primitive:
        return only(*map, "value");
      case BeanType::enumeration:
      case BeanType::class_name:
        return only(*map, "name");
      case BeanType::collection:
      case BeanType::array: {
        const bool array = static_cast<BeanType>(type->integer()) == BeanType::array;
        if (array && name->text() == "byte") return bytes(*map);
        List* list = hessian::make_list(arena_, hessian::keep(arena_, array ? array_type(name->text()) : list_type(name->text())));
        made_[&from] = list;
        for (const Map::Entry& entry : map->entries) list->push(value(entry.value));
        return list;
      }
      case BeanType::map: {
        Map* made = hessian::make_map(arena_, name->text() == "java.util.HashMap" ? std::string_view() : hessian::keep(arena_, name->text()));
        made_[&from] = made;
        for (const Map::Entry& entry : map->entries) made->push(value(entry.key), value(entry.value));
        return made;
      }
      case BeanType::bean:
        return object_of(from, *map, name->text());
    }
    return {};
  }

  Value bytes(const Map& items) {
    std::string content;
    for (const Map::Entry& entry : items.entries) content += static_cast<char>(value(entry.value).integer());
    return Value::bytes(arena_, as_bytes(content));
  }

  Value object_of(const Object& from, const Map& properties, std::string_view class_name) {
    const Value made = object(properties, class_name);
    made_[&from] = made;
    return made;
  }
  static std::string list_type(std::string_view class_name) { return class_name == "java.util.ArrayList" ? std::string() : std::string(class_name); }
  static Value only(const Map& properties, std::string_view key) {
    const Value* found = properties.find(key);
    return found == nullptr ? Value() : *found;
  }

  const DubboForm form_;
  Arena& arena_;
  std::unordered_map<const void*, Value> made_;
};

/// The Java names of the enums that a type reaches.
class EnumNames {
 public:
  explicit EnumNames(const Type& type) { visit(type); }
  bool contains(std::string_view name) const { return names_.contains(name); }

 private:
  void visit(const Type& type) {
    if (!seen_.insert(&type).second) return;
    if (type.kind == Kind::enumeration) names_.insert(type.java_type);
    if (type.indirect != nullptr) visit(type.indirect->target());
    if (type.list != nullptr) visit(type.list->element());
    if (type.map != nullptr) visit(type.map->key()), visit(type.map->value());
    if (type.structure == nullptr) return;
    for (const Field& field : type.structure->fields) visit(field.type());
  }
  std::unordered_set<const Type*> seen_;
  std::unordered_set<std::string_view> names_;
};

/// The class is known to every Java caller: no generic form is needed, and none would be understood.
bool is_of_jdk(std::string_view class_name) { return class_name.starts_with("java.") || class_name.starts_with("com.alibaba.com.caucho.hessian."); }

/// Walks a result, and keeps sharing as the Realizer does.
class Generalizer {
 public:
  Generalizer(DubboForm form, const EnumNames& enums, Arena& arena) : form_(form), enums_(enums), arena_(arena) {}

  Value value(const Value& from) {
    if (from.is_null()) return from;
    if (from.node() == nullptr) return form_ == DubboForm::bean ? primitive(from) : from;
    if (const auto known = made_.find(from.node()); known != made_.end()) return known->second;
    if (const List* list = from.list()) return items(*list);
    if (const Map* map = from.map()) return pairs(*map);
    return object(*from.object());
  }

 private:
  bool beans() const { return form_ == DubboForm::bean; }

  Value items(const List& from) {
    if (beans()) {
      const bool array = from.type.starts_with('[');
      const std::string_view name = array ? element_name(from.type.substr(1)) : from.type.empty() ? "java.util.ArrayList" : from.type;
      Map* properties = nullptr;
      Object* made = bean(array ? BeanType::array : BeanType::collection, name, properties);
      made_[&from] = made;
      for (size_t i = 0; i < from.size(); ++i) properties->push(Value(static_cast<int32_t>(i)), value(from[i]));
      return made;
    }
    List* list = hessian::make_list(arena_, from.type.starts_with('[') && !is_of_numbers(from.type) ? "[object" : from.type);
    made_[&from] = list;
    for (const Value& item : from.items) list->push(value(item));
    return list;
  }

  Value pairs(const Map& from) {
    if (beans()) {
      Map* properties = nullptr;
      Object* made = bean(BeanType::map, from.type.empty() ? "java.util.HashMap" : from.type, properties);
      made_[&from] = made;
      for (const Map::Entry& entry : from.entries) properties->push(value(entry.key), value(entry.value));
      return made;
    }
    Map* map = hessian::make_map(arena_, from.type);
    made_[&from] = map;
    for (const Map::Entry& entry : from.entries) map->push(value(entry.key), value(entry.value));
    return map;
  }

  Value object(const Object& from) {
    if (enums_.contains(from.class_name())) return constant(from);
    if (beans()) {
      if (is_of_jdk(from.class_name())) {
        Map* value = nullptr;
        Object* made = bean(BeanType::primitive, from.class_name(), value);
        value->push(Value::literal("value"), const_cast<Object*>(&from));
        return made;
      }
      Map* properties = nullptr;
      Object* made = bean(BeanType::bean, from.class_name(), properties);
      made_[&from] = made;
      fields(from, *properties);
      return made;
    }
    if (is_of_jdk(from.class_name())) return const_cast<Object*>(&from);
    Map* map = hessian::make_map(arena_);
    made_[&from] = map;
    map->push(Value::literal("class"), Value::literal(from.class_name()));
    fields(from, *map);
    return map;
  }

  void fields(const Object& from, Map& into) {
    for (size_t i = 0; i < from.size(); ++i) {
      if (beans() && from[i].is_null()) continue;  // a descriptor leaves nulls out
      into.push(Value::literal(from.object_class().fields[i]), value(from[i]));
    }
  }

  Value constant(const Object& from) {
    const Value* name = from.find("name");
    if (!beans() || name == nullptr) return name == nullptr ? Value() : *name;
    Map* properties = nullptr;
    Object* made = bean(BeanType::enumeration, from.class_name(), properties);
    made_[&from] = made;
    properties->push(Value::literal("name"), *name);
    return made;
  }

  Value primitive(const Value& from) {
    Map* properties = nullptr;
    Object* made = bean(from.kind() == ValueKind::bytes ? BeanType::array : BeanType::primitive, name_of(from.kind()), properties);
    if (from.kind() == ValueKind::bytes) {
      for (size_t i = 0; i < from.bytes().size(); ++i) {
        properties->push(Value(static_cast<int32_t>(i)), primitive(Value(static_cast<int32_t>(static_cast<int8_t>(from.bytes()[i])))));
      }
    } else {
      properties->push(Value::literal("value"), from);
    }
    return made;
  }

  Object* bean(BeanType type, std::string_view class_name, Map*& properties) {
    properties = hessian::make_map(arena_, "java.util.LinkedHashMap");
    Object* made = hessian::make_object(arena_, kBean);
    *made->find("properties") = properties;
    *made->find("type") = Value(static_cast<int32_t>(type));
    *made->find("className") = Value::text(arena_, class_name);
    return made;
  }

  static std::string_view name_of(ValueKind kind) {
    switch (kind) {
      case ValueKind::boolean:
        return "java.lang.Boolean";
      case ValueKind::int32:
        return "java.lang.Integer";
      case ValueKind::int64:
        return "java.lang.Long";
      case ValueKind::float64:
        return "java.lang.Double";
      case ValueKind::date:
        return "java.util.Date";
      case ValueKind::bytes:
        return "byte";
      default:
        return "java.lang.String";
    }
  }
  static std::string_view element_name(std::string_view element) {
    return element == "string" ? "java.lang.String" : element == "object" ? "java.lang.Object" : element;
  }
  static bool is_of_numbers(std::string_view type) {
    return type == "[int" || type == "[long" || type == "[short" || type == "[double" || type == "[float" || type == "[boolean" || type == "[string";
  }

  const DubboForm form_;
  const EnumNames& enums_;
  Arena& arena_;
  std::unordered_map<const void*, Value> made_;
};

}  // namespace

std::optional<DubboForm> dubbo_form(std::string_view generic) {
  if (generic.empty() || generic == "true") return DubboForm::pojo;
  if (generic == "raw.return") return DubboForm::raw_return;
  if (generic == "bean") return DubboForm::bean;
  if (generic == "gson") return DubboForm::gson;
  if (generic == "protobuf-json") return DubboForm::protobuf_json;
  return {};
}

Result<Value> realize(const Value& argument, DubboForm form, Arena& arena) {
  if (form == DubboForm::bean && !argument.is_null() && (argument.object() == nullptr || argument.object()->class_name() != kBeanClass)) {
    return fail(Code::invalid_argument, "a generic call of kind bean takes {}, found {}", kBeanClass, to_string(argument.kind()));
  }
  return Realizer(form, arena).value(argument);
}

Value generalize(const Value& result, const Type& type, DubboForm form, Arena& arena) {
  const EnumNames enums(type);
  return Generalizer(form, enums, arena).value(result);
}

}  // namespace sofa::rpc::detail
