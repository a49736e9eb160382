#pragma once
// A C++ type is described once, and Hessian, JSON, YAML, `--help` and the docs walk the same table.
//
//   struct Transfer {
//     std::string id;
//     int64_t cents = 0;
//     static auto describe(Description<Transfer>& d) {
//       d.java_type("bank.Transfer").doc("Moves money between two accounts.");
//       d.field("id", &Transfer::id).doc("chosen by the caller");
//       d.field("cents", &Transfer::cents).range(1, 100'000'000).unit("cents");
//     }
//   };
//
// A type of another library is described by a free function `void describe(sofa::Description<T>&)` found by ADL; an enum by
// `void describe(sofa::EnumDescription<E>&)`. `type_of<T>()` gives the type-erased table: one immutable object for each type, any thread.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sofa/base/bytes.h"

namespace sofa {

enum class Kind : uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  string,       // std::string, UTF-8 (WTF-8 where Java sends lone surrogates)
  bytes,        // Bytes: a Java byte[]
  enumeration,  // an enum with a description
  indirect,     // optional, shared_ptr, unique_ptr or Link of another type: may be empty
  list,         // std::vector and Array; lists of bytes are a byte[] too (Type::is_byte_list)
  map,          // std::map, std::unordered_map
  structure,    // a described struct
  other,        // a type that one module knows (a dynamic Hessian value, a date): it compares the address of the Type
};

class Type;
struct TextForm;  // text_form.h

/// An ordinary pointer to an object that the message owns (see Graph), not the struct that holds it: fields of this type may form cycles and
/// share objects, as Java objects do. Null by default.
template <class T>
class Link {
 public:
  Link() = default;
  Link(T* target) : target_(target) {}
  T* get() const { return target_; }
  T* operator->() const { return target_; }
  T& operator*() const { return *target_; }
  explicit operator bool() const { return target_ != nullptr; }
  friend bool operator==(Link a, Link b) { return a.target_ == b.target_; }

 private:
  T* target_ = nullptr;
};

/// Owns the objects that Links point to; all are destroyed together, in reverse order of their making. One thread at a time.
/// A reader makes it by make_shared, because each Graph that it fills keeps the arena alive.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  template <class T, class... Args>
  T* make(Args&&... args) {
    void* at = allocate(sizeof(T), alignof(T));
    T* made = new (at) T(std::forward<Args>(args)...);
    if constexpr (!std::is_trivially_destructible_v<T>) on_destroy(made, [](void* p) { static_cast<T*>(p)->~T(); });
    return made;
  }
  /// A default object of a described type.
  void* make(const Type& type);
  /// Raw memory that lives as long as the arena; small requests share blocks.
  void* allocate(size_t size, size_t align);
  size_t bytes_allocated() const { return bytes_; }

 private:
  void on_destroy(void* object, void (*destroy)(void*)) { cleanups_.push_back({object, destroy}); }
  struct Cleanup {
    void* object;
    void (*destroy)(void*);
  };
  static constexpr size_t kFirst = 256;  // bytes: what a small message needs comes with the arena itself
  alignas(std::max_align_t) std::byte first_[kFirst];
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::vector<Cleanup> cleanups_;
  std::byte* at_ = first_;
  size_t left_ = kFirst;
  size_t bytes_ = 0;
};

/// A value and the arena that owns everything its Links reach: the way to take or return a type with Links. Copies share; the last one frees
/// the whole graph, cycles too.
template <class T>
class Graph {
 public:
  Graph() : arena_(std::make_shared<Arena>()) {}
  explicit Graph(std::shared_ptr<Arena> arena, T* root) : arena_(std::move(arena)), root_(root) {}
  /// A fresh graph whose root is made from `args`.
  template <class... Args>
  static Graph make(Args&&... args) {
    Graph graph;
    graph.root_ = graph.arena_->template make<T>(std::forward<Args>(args)...);
    return graph;
  }

  T* get() const { return root_; }
  T* operator->() const { return root_; }
  T& operator*() const { return *root_; }
  explicit operator bool() const { return root_ != nullptr; }
  void set_root(T* root) { root_ = root; }
  Arena& arena() const { return *arena_; }
  const std::shared_ptr<Arena>& shared_arena() const { return arena_; }

 private:
  std::shared_ptr<Arena> arena_;
  T* root_ = nullptr;
};

/// A Java array `T[]`, where a std::vector<T> is a java.util.List. (byte[] is Bytes, std::vector<uint8_t> or an Array of bytes, char[] a string.)
template <class T>
struct Array {
  std::vector<T> items;
  friend bool operator==(const Array&, const Array&) = default;
};

/// A Java boolean[]. Its items are used as bools; unlike those of a std::vector<bool> they have addresses.
template <>
struct Array<bool> {
  struct Item {
    bool value = false;
    Item(bool v = false) : value(v) {}
    operator bool() const { return value; }
  };
  std::vector<Item> items;
  friend bool operator==(const Array&, const Array&) = default;
};

/// A closed or half-open range of a number field.
struct Range {
  long double low = -std::numeric_limits<long double>::infinity();  // 64 bits of mantissa: exact for every int64 and uint64
  long double high = std::numeric_limits<long double>::infinity();
};

struct Field {
  std::string_view name;
  size_t offset = 0;
  const Type& (*late_type)() = nullptr;  // asked for late: described types may refer to themselves
  const Type* own_type = nullptr;        // in its place, where the type is made at run time; outlives the field
  std::string_view doc;
  std::string_view unit;
  std::string_view alias;      // another name accepted on input; one letter: a flag behind one dash
  std::string_view wire_name;  // the Java field's name where it differs; empty: `name`
  std::optional<Range> range;
  bool secret = false;    // never printed
  bool live = false;      // may change at run time
  bool required = false;  // an input without it is an error (text formats)
  uint8_t inherited = 0;  // 0: own field; 1: of the base; 2: of its base; Java's field order needs it

  const Type& type() const { return own_type != nullptr ? *own_type : late_type(); }
  std::string_view java_name() const { return wire_name.empty() ? name : wire_name; }
  void* in(void* object) const { return static_cast<char*>(object) + offset; }
  const void* in(const void* object) const { return static_cast<const char*>(object) + offset; }
};

struct StructInfo {
  std::vector<Field> fields;
  std::string_view doc;
  const Field* find(std::string_view name_or_alias) const;
  // Used by Description<T>; defined once, so that each described struct costs little to compile.
  Field& add(std::string_view name, size_t offset, const Type& (*type)());
  void add_inherited(const StructInfo& base, size_t offset);
};

struct EnumInfo {
  struct Value {
    int64_t number;
    std::string_view name;
    std::string_view doc;
  };
  std::vector<Value> values;
  const Value* by_name(std::string_view name) const;
  const Value* by_number(int64_t number) const;
};

/// How to walk and build a sequence without knowing its type.
struct ListOps {
  const Type& (*element)();
  size_t (*size)(const void* list);
  void (*clear)(void* list);
  void (*reserve)(void* list, size_t more);
  void* (*append)(void* list);  // a new default element at the end; moves earlier elements when the list grows
  const void* (*at)(const void* list, size_t index);
  const void* (*data)(const void* list);  // the contiguous elements of a number list, null for other lists
  void* (*extend)(void* list, size_t n);  // n more default elements of a number list, contiguous; null for other lists
  bool java_array;                        // Array<T>: T[]
};

/// How to walk and build a map. `reserve` makes room for n pairs (null where that means nothing). `insert` default-constructs a key and a value, lets
/// `fill` set them, and stores them when it answers true (the last value of equal keys wins). It answers false without having stored them when `fill`
/// does, or when so many keys of an unordered map fall into one bucket that they must be made to.
struct MapOps {
  const Type& (*key)();
  const Type& (*value)();
  size_t (*size)(const void* map);
  void (*clear)(void* map);
  void (*reserve)(void* map, size_t n);
  void (*for_each)(const void* map, void* context, bool (*visit)(void* context, const void* key, const void* value));
  bool (*insert)(void* map, void* context, bool (*fill)(void* context, void* key, void* value));
};

enum class Ownership : uint8_t { optional, unique, shared, link, graph };

/// How to look through optional<T>, unique_ptr<T>, shared_ptr<T>, Link<T>, Graph<T>.
struct IndirectOps {
  Ownership ownership;
  const Type& (*target)();
  const void* (*get)(const void* holder);        // null when empty
  void* (*emplace)(void* holder, Arena* arena);  // makes a default target; a Link's or Graph's target comes from the arena
  void (*reset)(void* holder);
  void (*share)(void* holder, const void* other);           // shared: point where the other holder (same type) points; null otherwise
  void (*point)(void* holder, void* target, Arena* arena);  // link, graph: point at a target that the arena owns; null otherwise
};

/// The type-erased table of one C++ type.
class Type {
 public:
  Kind kind = Kind::other;
  size_t size = 0;
  size_t align = 0;
  void (*construct)(void* at) = nullptr;
  void (*destroy)(void* at) = nullptr;
  void (*assign)(void* to, const void* from) = nullptr;  // copy assignment; null when the type cannot be copied

  /// The Java type in SOFARPC's signature form (docs/protocols/sofarpc.md): "int", "java.lang.String", "java.util.List", "[I", "bank.Transfer".
  std::string_view java_type;

  const StructInfo* structure = nullptr;
  const EnumInfo* enumeration = nullptr;
  const ListOps* list = nullptr;
  const MapOps* map = nullptr;
  const IndirectOps* indirect = nullptr;
  const TextForm* text_form = nullptr;  // how text formats write and read it; null: as its kind
  bool in_arena = false;                // Kind::other: its values point into an arena, as Links do
  /// Enums: reads and writes the number whatever the underlying type is.
  int64_t (*get_number)(const void*) = nullptr;
  void (*set_number)(void*, int64_t) = nullptr;

  bool is_number() const { return kind >= Kind::int8 && kind <= Kind::float64; }
  bool is_integer() const { return kind >= Kind::int8 && kind <= Kind::uint64; }
  /// A list that is a Java byte[], and base64 in text: std::vector<uint8_t>, Array<uint8_t>, Array<int8_t>. (A std::vector<int8_t> is a List.)
  bool is_byte_list() const;
  /// True when a value of this type can reach an arena outside a Graph, by a Link or a dynamic value: it needs a Graph or an arena that outlives it.
  bool has_links() const;
};

template <class T>
const Type& type_of();

namespace detail {
template <class F>
class FieldBuilder {
 public:
  explicit FieldBuilder(Field& field) : field_(&field) {}
  FieldBuilder& doc(std::string_view text) { return field_->doc = text, *this; }
  FieldBuilder& unit(std::string_view text) { return field_->unit = text, *this; }
  FieldBuilder& alias(std::string_view text) { return field_->alias = text, *this; }
  FieldBuilder& java_name(std::string_view text) { return field_->wire_name = text, *this; }
  FieldBuilder& range(long double low, long double high)
    requires std::is_arithmetic_v<F>
  {
    return field_->range = Range{low, high}, *this;
  }
  FieldBuilder& at_least(long double low)
    requires std::is_arithmetic_v<F>
  {
    return range(low, Range{}.high);
  }
  FieldBuilder& secret() { return field_->secret = true, *this; }
  FieldBuilder& live() { return field_->live = true, *this; }
  FieldBuilder& required() { return field_->required = true, *this; }

 private:
  Field* field_;
};
}  // namespace detail

/// Handed to `describe`. Names and texts must be string literals (or live for ever). Defaults are the struct's own member initialisers.
template <class T>
class Description {
 public:
  Description(StructInfo& info, Type& type) : info_(info), type_(type) {}

  Description& java_type(std::string_view name) { return type_.java_type = name, *this; }
  Description& doc(std::string_view text) { return info_.doc = text, *this; }
  /// The form of text formats where it is not a mapping of the fields; lives for ever.
  Description& text_form(const TextForm& form) { return type_.text_form = &form, *this; }

  template <class F, class Owner>
    requires std::derived_from<T, Owner>
  detail::FieldBuilder<F> field(std::string_view name, F Owner::* member) {
    return detail::FieldBuilder<F>(info_.add(name, offset_of(static_cast<F T::*>(member)), &type_of<F>));
  }

  /// Takes over the described fields of a base class (Java: extends).
  template <class Base>
    requires std::derived_from<T, Base>
  Description& inherit() {
    info_.add_inherited(*type_of<Base>().structure, base_offset<Base>());
    return *this;
  }

 private:
  alignas(T) inline static char sample_[sizeof(T)] = {};
  template <class F>
  static size_t offset_of(F T::* member) {
    const T* at = reinterpret_cast<const T*>(sample_);
    return static_cast<size_t>(reinterpret_cast<const char*>(std::addressof(at->*member)) - sample_);
  }
  template <class Base>
  static size_t base_offset() {
    const T* at = reinterpret_cast<const T*>(sample_);
    return static_cast<size_t>(reinterpret_cast<const char*>(static_cast<const Base*>(at)) - sample_);
  }

  StructInfo& info_;
  Type& type_;
};

template <class E>
class EnumDescription {
 public:
  EnumDescription(EnumInfo& info, Type& type) : info_(info), type_(type) {}
  EnumDescription& java_type(std::string_view name) { return type_.java_type = name, *this; }
  EnumDescription& value(std::string_view name, E value, std::string_view doc = {}) {
    info_.values.push_back({static_cast<int64_t>(value), name, doc});
    return *this;
  }

 private:
  EnumInfo& info_;
  Type& type_;
};

/// Specialise for a type that only one module knows: `static void fill(Type&)` sets java_type and text_form (kind stays Kind::other).
template <class T>
struct TypeTraits {
  static constexpr bool kKnown = false;
};

template <class T>
concept DescribedByMember = requires(Description<T>& d) { T::describe(d); };
template <class T>
concept DescribedByFunction = requires(Description<T>& d) { describe(d); };
template <class E>
concept DescribedEnum = std::is_enum_v<E> && requires(EnumDescription<E>& d) { describe(d); };

}  // namespace sofa

#include "sofa/base/detail/type_of.h"
