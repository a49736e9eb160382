#include "sofa/wire/hessian/detail/plan.h"

#include <algorithm>
#include <unordered_map>

#include "sofa/wire/hessian/java_exception.h"
#include "sofa/wire/hessian/java_types.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::hessian::detail {

namespace {

/// Java writes fields of these types before all others (docs/protocols/hessian.md, section 3).
bool goes_first(const Type& type) {
  if (type.kind == Kind::boolean || type.is_number()) return true;
  const std::string_view name = java_type_of(type);
  return name.starts_with("java.lang.") && name != "java.lang.Object";
}

Op op_of_other(const Type& type) {
  if (&type == &type_of<Value>()) return Op::value;
  if (&type == &type_of<Timestamp>()) return Op::timestamp;
  return Op::special;
}

Op op_of(const Type& type) {
  switch (type.kind) {
    case Kind::boolean:
      return Op::boolean;
    case Kind::int8:
      return Op::int8;
    case Kind::int16:
      return Op::int16;
    case Kind::int32:
      return Op::int32;
    case Kind::int64:
      return Op::int64;
    case Kind::uint8:
      return Op::uint8;
    case Kind::uint16:
      return Op::uint16;
    case Kind::uint32:
      return Op::uint32;
    case Kind::uint64:
      return Op::uint64;
    case Kind::float32:
      return Op::float32;
    case Kind::float64:
      return Op::float64;
    case Kind::string:
      return Op::string;
    case Kind::bytes:
      return Op::bytes;
    case Kind::enumeration:
      return Op::enumeration;
    case Kind::list:
      return type.is_byte_list() ? Op::byte_vector : Op::list;
    case Kind::map:
      return Op::map;
    case Kind::structure:
      return Op::structure;
    case Kind::other:
      return op_of_other(type);
    case Kind::indirect:
      break;
  }
  switch (type.indirect->ownership) {
    case Ownership::optional:
      return Op::optional;
    case Ownership::unique:
      return Op::unique;
    case Ownership::shared:
      return Op::shared;
    case Ownership::link:
      return Op::link;
    case Ownership::graph:
      return Op::graph;
  }
  return Op::special;
}

/// The plans of one thread; a type's plan exists before its parts are looked at, so types may contain themselves.
class Plans {
 public:
  const Plan& of(const Type& type) {
    auto [at, is_new] = plans_.try_emplace(&type);
    if (is_new) {
      at->second = std::make_unique<Plan>();
      fill(*at->second, type);
    }
    return *plans_.find(&type)->second;
  }

 private:
  void fill(Plan& plan, const Type& type) {
    plan.type = &type;
    plan.op = op_of(type);
    plan.has_identity = plan.op == Op::structure || plan.op == Op::list || plan.op == Op::map;
    switch (plan.op) {
      case Op::list:
        plan.item = &of(type.list->element());
        if (type.list->java_array) plan.array_name = wire_array_name(type.list->element());
        break;
      case Op::map:
        plan.key = &of(type.map->key());
        plan.item = &of(type.map->value());
        break;
      case Op::structure:
        fill_structure(plan, type);
        break;
      case Op::enumeration:
        plan.fields.push_back({"name", &of(type_of<std::string>()), 0, Op::string});
        spell(plan, {"name"});
        plan.constants.resize(type.enumeration->values.size());
        break;
      default:
        if (is_pointer(plan.op)) plan.item = &of(type.indirect->target());
        break;
    }
  }

  void fill_structure(Plan& plan, const Type& type) {
    std::vector<std::tuple<bool, uint8_t, const Field*>> fields;  // ordered by group, then depth, then place
    for (const Field& field : type.structure->fields) fields.emplace_back(!goes_first(field.type()), field.inherited, &field);
    std::ranges::sort(fields);
    std::vector<std::string_view> names;
    for (const auto& [last, depth, field] : fields) {
      plan.fields.push_back({field->java_name(), &of(field->type()), static_cast<uint32_t>(field->offset), op_of(field->type())});
      names.push_back(field->java_name());
    }
    spell(plan, std::move(names));
  }

  static void spell(Plan& plan, std::vector<std::string_view> names) {
    plan.spellings[0] = {wire_class_name(plan.type->java_type, Family::sofa), names, {}};
    std::ranges::reverse(names);
    plan.spellings[1] = {wire_class_name(plan.type->java_type, Family::dubbo), std::move(names), {}};
  }

  std::unordered_map<const Type*, std::unique_ptr<Plan>> plans_;
};

}  // namespace

const Plan& plan_of(const Type& type) {
  thread_local Plans plans;
  return plans.of(type);
}

std::string wire_class_name(std::string_view java_type, Family family) {
  const std::string_view prefix = family == Family::sofa ? "com.caucho.hessian.io." : "com.alibaba.com.caucho.hessian.io.";
  constexpr std::string_view kTime = "java.time.";
  if (java_type.starts_with(kTime)) return fmt::format("{}java8.{}Handle", prefix, java_type.substr(kTime.size()));
  if (java_type == "java.util.Locale") return fmt::format("{}LocaleHandle", prefix);
  return std::string(java_type);
}

std::string wire_array_name(const Type& element) {
  if (element.kind == Kind::indirect) {  // an array that may be null is named as the array itself
    const Type& target = element.indirect->target();
    if (target.kind == Kind::bytes || target.is_byte_list() || (target.kind == Kind::list && target.list->java_array)) return wire_array_name(target);
  }
  if (element.kind == Kind::bytes || element.is_byte_list()) return "[[byte";
  if (element.kind == Kind::list && element.list->java_array) return "[" + wire_array_name(element.list->element());
  const std::string_view name = java_type_of(element);
  if (name == "java.lang.String") return "[string";
  if (name == "java.lang.Object") return "[object";
  if (name == "java.util.Date") return "[date";
  return fmt::format("[{}", name);
}

}  // namespace sofa::hessian::detail
