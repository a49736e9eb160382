#include "sofa/base/description.h"

#include <algorithm>
#include <mutex>
#include <set>

namespace sofa {

namespace {
constexpr size_t kArenaBlock = 4096;

bool reaches_link(const Type& type, std::set<const Type*>& seen) {
  if (!seen.insert(&type).second) return false;
  switch (type.kind) {
    case Kind::indirect:
      if (type.indirect->ownership == Ownership::graph) return false;
      return type.indirect->ownership == Ownership::link || reaches_link(type.indirect->target(), seen);
    case Kind::list:
      return reaches_link(type.list->element(), seen);
    case Kind::map:
      return reaches_link(type.map->key(), seen) || reaches_link(type.map->value(), seen);
    case Kind::structure:
      return std::ranges::any_of(type.structure->fields, [&](const Field& field) { return reaches_link(field.type(), seen); });
    default:
      return type.in_arena;
  }
}
}  // namespace

Arena::~Arena() {
  for (auto it = cleanups_.rbegin(); it != cleanups_.rend(); ++it) it->destroy(it->object);
}

void* Arena::allocate(size_t size, size_t align) {
  const auto misaligned = reinterpret_cast<uintptr_t>(at_) % align;
  const size_t padding = misaligned == 0 ? 0 : align - misaligned;
  if (left_ < size + padding) {
    const size_t block = std::max(kArenaBlock, size + align);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block));
    at_ = blocks_.back().get();
    left_ = block;
    bytes_ += block;
    return allocate(size, align);
  }
  std::byte* found = at_ + padding;
  at_ = found + size;
  left_ -= size + padding;
  return found;
}

void* Arena::make(const Type& type) {
  void* at = allocate(type.size, type.align);
  type.construct(at);
  on_destroy(at, type.destroy);
  return at;
}

const Field* StructInfo::find(std::string_view name_or_alias) const {
  for (const Field& field : fields) {
    if (field.name == name_or_alias || (!field.alias.empty() && field.alias == name_or_alias)) return &field;
  }
  return nullptr;
}

Field& StructInfo::add(std::string_view name, size_t offset, const Type& (*type)()) {
  Field& field = fields.emplace_back();
  field.name = name;
  field.offset = offset;
  field.late_type = type;
  return field;
}

void StructInfo::add_inherited(const StructInfo& base, size_t offset) {
  for (Field field : base.fields) {
    field.offset += offset;
    field.inherited += 1;
    fields.push_back(field);
  }
}

const EnumInfo::Value* EnumInfo::by_name(std::string_view name) const {
  for (const Value& value : values) {
    if (value.name == name) return &value;
  }
  return nullptr;
}

const EnumInfo::Value* EnumInfo::by_number(int64_t number) const {
  for (const Value& value : values) {
    if (value.number == number) return &value;
  }
  return nullptr;
}

bool Type::is_byte_list() const {
  if (kind != Kind::list) return false;
  const Kind element = list->element().kind;
  return element == Kind::uint8 || (element == Kind::int8 && list->java_array);
}

bool Type::has_links() const {
  std::set<const Type*> seen;
  return reaches_link(*this, seen);
}

std::string_view java_type_of(const Type& type) {
  if (!type.java_type.empty()) return type.java_type;
  if (type.kind == Kind::indirect) return java_type_of(type.indirect->target());
  return {};
}

namespace detail {

std::string_view primitive_java_type(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return "boolean";
    case Kind::int8:
    case Kind::uint8:
      return "byte";
    case Kind::int16:
    case Kind::uint16:
      return "short";
    case Kind::int32:
    case Kind::uint32:
      return "int";
    case Kind::int64:
    case Kind::uint64:
      return "long";
    case Kind::float32:
      return "float";
    case Kind::float64:
      return "double";
    default:
      return {};
  }
}

std::string_view boxed_java_type(std::string_view primitive) {
  static constexpr std::pair<std::string_view, std::string_view> kBoxes[] = {
      {"boolean", "java.lang.Boolean"}, {"byte", "java.lang.Byte"},   {"short", "java.lang.Short"},   {"int", "java.lang.Integer"},
      {"long", "java.lang.Long"},       {"float", "java.lang.Float"}, {"double", "java.lang.Double"}, {"char", "java.lang.Character"}};
  for (auto [name, box] : kBoxes) {
    if (name == primitive) return box;
  }
  return primitive;
}

std::string_view array_java_type(std::string_view element) {
  static constexpr std::pair<std::string_view, std::string_view> kPrimitives[] = {
      {"boolean", "[Z"}, {"byte", "[B"}, {"short", "[S"}, {"int", "[I"}, {"long", "[J"}, {"float", "[F"}, {"double", "[D"}, {"char", "[C"}};
  for (auto [name, array] : kPrimitives) {
    if (name == element) return array;
  }
  static std::mutex mutex;
  static std::set<std::string, std::less<>> made;
  std::string name = element.starts_with('[') ? fmt::format("[{}", element) : fmt::format("[L{};", element);
  std::lock_guard lock(mutex);
  return *made.insert(std::move(name)).first;
}

}  // namespace detail
}  // namespace sofa
