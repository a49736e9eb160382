#pragma once
// Any Hessian value without its type: null, numbers, text, lists, maps and objects of classes that nobody described. Nodes belong to an
// Arena, shared nodes are shared pointers, cycles are legal; freeing the arena frees all.
//
//   Document document;
//   Object* user = make_object(document.arena(), "com.acme.User", {{"id", Value(int64_t{7})}, {"name", Value::text(document.arena(), "bob")}});
//   if (const Value* name = user->find("name")) use(name->text());

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa::hessian {

class List;
class Map;
class Object;

enum class ValueKind : uint8_t { null, boolean, int32, int64, float64, date, string, bytes, list, map, object };
std::string_view to_string(ValueKind kind);

/// 16 bytes, trivially copyable: copying a Value shares the node that it points to. int32 and int64 are different values to Java and stay so.
/// Accessors of another kind answer their stated fallback and never fail; look at kind() where the difference matters.
class Value {
 public:
  Value() : number_(0) {}
  template <std::same_as<bool> B>
  explicit Value(B v) : kind_(ValueKind::boolean), number_(v) {}
  explicit Value(int32_t v) : kind_(ValueKind::int32), number_(v) {}
  explicit Value(int64_t v) : kind_(ValueKind::int64), number_(v) {}
  explicit Value(double v) : kind_(ValueKind::float64), float_(v) {}
  /// A null pointer makes a null value.
  Value(List* node) : kind_(node ? ValueKind::list : ValueKind::null), node_(node) {}
  Value(Map* node) : kind_(node ? ValueKind::map : ValueKind::null), node_(node) {}
  Value(Object* node) : kind_(node ? ValueKind::object : ValueKind::null), node_(node) {}
  /// UTF-8 text (WTF-8 for lone surrogates) copied into the arena; `literal` keeps a pointer to text that lives for ever.
  static Value text(Arena& arena, std::string_view utf8);
  static Value literal(std::string_view utf8) { return Value(ValueKind::string, utf8.data(), utf8.size()); }
  static Value bytes(Arena& arena, ByteSpan content);
  static Value date(int64_t milliseconds);

  ValueKind kind() const { return kind_; }
  bool is_null() const { return kind_ == ValueKind::null; }
  bool boolean() const { return kind_ == ValueKind::boolean && number_ != 0; }
  /// int32, int64 and date (milliseconds since 1970); else 0.
  int64_t integer() const { return is_integer() || kind_ == ValueKind::date ? number_ : 0; }
  bool is_integer() const { return kind_ == ValueKind::int32 || kind_ == ValueKind::int64; }
  /// Any number; else 0.
  double number() const { return kind_ == ValueKind::float64 ? float_ : is_integer() ? static_cast<double>(number_) : 0; }
  /// Strings; else empty. Lives as long as the arena.
  std::string_view text() const { return kind_ == ValueKind::string ? std::string_view(text_, size_) : std::string_view(); }
  ByteSpan bytes() const { return kind_ == ValueKind::bytes ? as_bytes(std::string_view(text_, size_)) : ByteSpan(); }
  /// The node, or null when the value is of another kind.
  List* list() const { return kind_ == ValueKind::list ? static_cast<List*>(node_) : nullptr; }
  Map* map() const { return kind_ == ValueKind::map ? static_cast<Map*>(node_) : nullptr; }
  Object* object() const { return kind_ == ValueKind::object ? static_cast<Object*>(node_) : nullptr; }
  /// The address of the list, map or object, which is its identity; null for other kinds.
  const void* node() const { return kind_ >= ValueKind::list ? node_ : nullptr; }

  /// The field of an object or the value of a map under a string key; null when there is none.
  const Value* find(std::string_view name) const;

 private:
  Value(ValueKind kind, const char* data, size_t size) : kind_(kind), size_(static_cast<uint32_t>(size)), text_(data) {}

  ValueKind kind_ = ValueKind::null;
  uint32_t size_ = 0;
  union {
    int64_t number_;
    double float_;
    const char* text_;
    void* node_;
  };
};

/// A growing array of trivial items in an arena.
template <class T>
class ArenaArray {
 public:
  explicit ArenaArray(Arena& arena) : arena_(&arena) {}
  T* begin() const { return data_; }
  T* end() const { return data_ + size_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) const { return data_[i]; }
  void reserve(size_t n) {
    if (n > capacity_) grow(n);
  }
  void push(const T& item) {
    if (size_ == capacity_) grow(size_ == 0 ? 4 : size_t{size_} * 2);
    data_[size_++] = item;
  }
  Arena& arena() const { return *arena_; }

 private:
  void grow(size_t capacity) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    T* fresh = static_cast<T*>(arena_->allocate(capacity * sizeof(T), alignof(T)));
    if (size_ > 0) std::uninitialized_copy_n(data_, size_, fresh);
    data_ = fresh;
    capacity_ = static_cast<uint32_t>(capacity);
  }

  Arena* arena_;
  T* data_ = nullptr;
  uint32_t size_ = 0, capacity_ = 0;
};

/// A Java list, set or array. An empty type is an ArrayList; "[int" is int[]; any other type is the collection's class.
class List {
 public:
  explicit List(Arena& arena, std::string_view list_type = {}) : type(list_type), items(arena) {}
  void push(Value value) { items.push(value); }
  size_t size() const { return items.size(); }
  const Value& operator[](size_t i) const { return items[i]; }

  std::string_view type;  // lives as long as the arena
  ArenaArray<Value> items;
};

/// A Java map: pairs in their order, keys of any kind. An empty type is a HashMap.
class Map {
 public:
  struct Entry {
    Value key, value;
  };
  explicit Map(Arena& arena, std::string_view map_type = {}) : type(map_type), entries(arena) {}
  /// Adds a pair at the end without looking for an equal key.
  void push(Value key, Value value) { entries.push({key, value}); }
  /// The last value whose key is this string, or null.
  const Value* find(std::string_view key) const;
  size_t size() const { return entries.size(); }

  std::string_view type;
  ArenaArray<Entry> entries;
};

/// A class as one definition in a stream names it. Objects that share it are written with one definition.
struct ObjectClass {
  std::string_view name;
  std::span<const std::string_view> fields;  // in the order of the wire; a name may occur twice, the first wins
  bool defined_again = false;                // the stream it came from defined an equal class before: it is written with a definition of its own, too

  /// The index of the field, or fields.size().
  size_t index_of(std::string_view field) const;
};

/// An object of any class (a GenericObject): a class and one value for each of its fields.
class Object {
 public:
  Object(const ObjectClass& object_class, Value* values) : class_(&object_class), values_(values) {}
  const ObjectClass& object_class() const { return *class_; }
  std::string_view class_name() const { return class_->name; }
  size_t size() const { return class_->fields.size(); }
  Value& operator[](size_t i) const { return values_[i]; }
  std::span<Value> values() const { return {values_, size()}; }
  Value* find(std::string_view field) const;

 private:
  const ObjectClass* class_;
  Value* values_;  // size() of them, in the arena
};

/// What H3's remote objects are read as: their class and their address. Only an object of this very class is written as one.
inline constexpr std::string_view kRemoteFields[] = {"type", "url"};
inline constexpr ObjectClass kRemoteClass{"com.caucho.hessian.io.HessianRemote", kRemoteFields};

/// The arena and the root of a dynamic value.
using Document = Graph<Value>;

/// JSON of any value, as Jackson has it for an Object: a date is its milliseconds, bytes are base64 text, an object is a mapping of its fields. Read
/// back, whole numbers are int32 where they fit, else int64, else a java.math.BigInteger; the parts belong to the reader's arena.
extern const TextForm kValueText;

/// Copies text into the arena.
std::string_view keep(Arena& arena, std::string_view text);
List* make_list(Arena& arena, std::string_view type = {});
Map* make_map(Arena& arena, std::string_view type = {});
const ObjectClass* make_class(Arena& arena, std::string_view name, std::span<const std::string_view> fields);
/// An object whose fields are all null.
Object* make_object(Arena& arena, const ObjectClass& object_class);
Object* make_object(Arena& arena, std::string_view class_name, std::initializer_list<std::pair<std::string_view, Value>> fields);

/// How many nodes a walk over a graph as over a tree may visit: shared nodes count each time (docs/protocols/hessian.md, section 5).
inline constexpr size_t kVisitLimit = 1'000'000;

/// True when both graphs have the same values and the same sharing: nodes correspond one to one, cycles too; 0.0 and -0.0, which
/// Java's writers do not tell apart, are the same. False as well when more than `limit` values were compared.
bool same_shape(const Value& a, const Value& b, size_t limit = kVisitLimit);

/// JSON-like text for people: `com.acme.User{"id": 7L, "name": "bob", "boss": <cycle>}`. Ends in "..." when `limit` values were visited.
std::string to_text(const Value& value, size_t limit = kVisitLimit);

}  // namespace sofa::hessian

namespace sofa {
/// A described struct may have fields of java.lang.Object, and Graph<Value> may be a method's argument.
template <>
struct TypeTraits<hessian::Value> {
  static constexpr bool kKnown = true;
  static void fill(Type& type) { type.java_type = "java.lang.Object", type.text_form = &hessian::kValueText, type.in_arena = true; }
};
}  // namespace sofa
