#include "sofa/wire/hessian/value.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

namespace sofa::hessian {

std::string_view to_string(ValueKind kind) {
  static constexpr std::string_view kNames[] = {"null", "boolean", "int", "long", "double", "date", "string", "binary", "list", "map", "object"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view keep(Arena& arena, std::string_view text) {
  if (text.empty()) return {};
  char* at = static_cast<char*>(arena.allocate(text.size(), 1));
  std::memcpy(at, text.data(), text.size());
  return {at, text.size()};
}

Value Value::text(Arena& arena, std::string_view utf8) { return literal(keep(arena, utf8)); }

Value Value::bytes(Arena& arena, ByteSpan content) {
  const std::string_view kept = keep(arena, as_text(content));
  return Value(ValueKind::bytes, kept.data(), kept.size());
}

Value Value::date(int64_t milliseconds) {
  Value value(milliseconds);
  value.kind_ = ValueKind::date;
  return value;
}

const Value* Value::find(std::string_view name) const {
  if (const Object* o = object()) return o->find(name);
  if (const Map* m = map()) return m->find(name);
  return nullptr;
}

const Value* Map::find(std::string_view key) const {
  for (size_t i = entries.size(); i-- > 0;) {
    if (entries[i].key.kind() == ValueKind::string && entries[i].key.text() == key) return &entries[i].value;
  }
  return nullptr;
}

size_t ObjectClass::index_of(std::string_view field) const { return static_cast<size_t>(std::ranges::find(fields, field) - fields.begin()); }

Value* Object::find(std::string_view field) const {
  const size_t index = class_->index_of(field);
  return index < size() ? &values_[index] : nullptr;
}

List* make_list(Arena& arena, std::string_view type) { return arena.make<List>(arena, keep(arena, type)); }
Map* make_map(Arena& arena, std::string_view type) { return arena.make<Map>(arena, keep(arena, type)); }

const ObjectClass* make_class(Arena& arena, std::string_view name, std::span<const std::string_view> fields) {
  auto* kept = static_cast<std::string_view*>(arena.allocate(fields.size() * sizeof(std::string_view) + 1, alignof(std::string_view)));
  for (size_t i = 0; i < fields.size(); ++i) new (kept + i) std::string_view(keep(arena, fields[i]));
  return arena.make<ObjectClass>(ObjectClass{keep(arena, name), {kept, fields.size()}});
}

Object* make_object(Arena& arena, const ObjectClass& object_class) {
  const size_t n = object_class.fields.size();
  auto* values = static_cast<Value*>(arena.allocate(n * sizeof(Value) + 1, alignof(Value)));
  std::uninitialized_default_construct_n(values, n);
  return arena.make<Object>(object_class, values);
}

Object* make_object(Arena& arena, std::string_view class_name, std::initializer_list<std::pair<std::string_view, Value>> fields) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : fields) names.push_back(name);
  Object* object = make_object(arena, *make_class(arena, class_name, names));
  size_t i = 0;
  for (const auto& [name, value] : fields) (*object)[i++] = value;
  return object;
}

namespace {

/// Compares two graphs in step; nodes met before must be met together.
class ShapeComparison {
 public:
  explicit ShapeComparison(size_t limit) : left_(limit) {}

  bool same(const Value& first_a, const Value& first_b) {
    pending_.push_back({first_a, first_b});
    while (!pending_.empty()) {
      const auto [a, b] = pending_.back();
      pending_.pop_back();
      if (left_-- == 0 || a.kind() != b.kind() || !same_one(a, b)) return false;
    }
    return true;
  }

 private:
  bool same_one(const Value& a, const Value& b) {
    switch (a.kind()) {
      case ValueKind::null:
        return true;
      case ValueKind::boolean:
        return a.boolean() == b.boolean();
      case ValueKind::float64:
        return a.number() == b.number() || std::bit_cast<uint64_t>(a.number()) == std::bit_cast<uint64_t>(b.number());
      case ValueKind::string:
        return a.text() == b.text();
      case ValueKind::bytes:
        return std::ranges::equal(a.bytes(), b.bytes());
      case ValueKind::list:
      case ValueKind::map:
      case ValueKind::object:
        return same_nodes(a, b);
      default:
        return a.integer() == b.integer();
    }
  }

  bool same_nodes(const Value& a, const Value& b) {
    const auto [to_b, a_is_new] = partner_.try_emplace(a.node(), b.node());
    const auto [to_a, b_is_new] = partner_back_.try_emplace(b.node(), a.node());
    if (!a_is_new || !b_is_new) return to_b->second == b.node() && to_a->second == a.node();
    if (const List* list = a.list()) {
      const List& other = *b.list();
      if (list->type != other.type || list->size() != other.size()) return false;
      for (size_t i = 0; i < list->size(); ++i) pending_.push_back({(*list)[i], other[i]});
    } else if (const Map* map = a.map()) {
      const Map& other = *b.map();
      if (map->type != other.type || map->size() != other.size()) return false;
      for (size_t i = 0; i < map->size(); ++i) {
        pending_.push_back({map->entries[i].key, other.entries[i].key});
        pending_.push_back({map->entries[i].value, other.entries[i].value});
      }
    } else {
      const Object &x = *a.object(), &y = *b.object();
      if (x.class_name() != y.class_name() || !std::ranges::equal(x.object_class().fields, y.object_class().fields)) return false;
      for (size_t i = 0; i < x.size(); ++i) pending_.push_back({x[i], y[i]});
    }
    return true;
  }

  size_t left_;
  std::vector<std::pair<Value, Value>> pending_;
  std::unordered_map<const void*, const void*> partner_, partner_back_;
};

/// Writes a graph as text with a stack of its own, so that depth costs no recursion.
class TextDump {
 public:
  explicit TextDump(size_t limit) : left_(limit) {}

  std::string dump(const Value& value) {
    begin(value);
    while (!open_.empty()) step();
    return std::move(text_);
  }

 private:
  struct Open {
    Value value;
    size_t next = 0;
  };

  void begin(const Value& value) {
    if (left_ == 0) {
      text_ += "...";
      open_.clear();
      return;
    }
    --left_;
    if (value.node() == nullptr) return scalar(value);
    if (!path_.insert(value.node()).second) {
      text_ += "<cycle>";
      return;
    }
    if (const List* list = value.list()) text_ += list->type, text_ += '[';
    if (const Map* map = value.map()) text_ += map->type, text_ += '{';
    if (const Object* object = value.object()) text_ += object->class_name(), text_ += '{';
    open_.push_back({value});
  }

  void step() {
    Open& top = open_.back();
    const Value value = top.value;
    const size_t i = top.next++;
    const size_t n = value.list() ? value.list()->size() : value.map() ? value.map()->size() * 2 : value.object()->size();
    if (i == n) {
      text_ += value.list() ? ']' : '}';
      path_.erase(value.node());
      open_.pop_back();
      return;
    }
    if (const Map* map = value.map()) {
      text_ += i % 2 == 1 ? ": " : i > 0 ? ", " : "";
      return begin(i % 2 == 0 ? map->entries[i / 2].key : map->entries[i / 2].value);
    }
    if (i > 0) text_ += ", ";
    if (const List* list = value.list()) return begin((*list)[i]);
    quote(value.object()->object_class().fields[i]);
    text_ += ": ";
    begin((*value.object())[i]);
  }

  void scalar(const Value& value) {
    auto out = std::back_inserter(text_);
    switch (value.kind()) {
      case ValueKind::null:
        text_ += "null";
        break;
      case ValueKind::boolean:
        text_ += value.boolean() ? "true" : "false";
        break;
      case ValueKind::int32:
        fmt::format_to(out, "{}", value.integer());
        break;
      case ValueKind::int64:
        fmt::format_to(out, "{}L", value.integer());
        break;
      case ValueKind::float64:
        fmt::format_to(out, "{}", value.number());
        break;
      case ValueKind::date:
        fmt::format_to(out, "date({})", value.integer());
        break;
      case ValueKind::string:
        quote(value.text());
        break;
      default:
        fmt::format_to(out, "bytes({})", to_hex(value.bytes()));
        break;
    }
  }

  void quote(std::string_view text) {
    text_ += '"';
    for (char c : text) {
      if (c == '"' || c == '\\') {
        text_ += '\\', text_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        fmt::format_to(std::back_inserter(text_), "\\u{:04x}", static_cast<unsigned>(c));
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }

  size_t left_;
  std::string text_;
  std::vector<Open> open_;
  std::unordered_set<const void*> path_;
};

}  // namespace

bool same_shape(const Value& a, const Value& b, size_t limit) { return ShapeComparison(limit).same(a, b); }
std::string to_text(const Value& value, size_t limit) { return TextDump(limit).dump(value); }

}  // namespace sofa::hessian
