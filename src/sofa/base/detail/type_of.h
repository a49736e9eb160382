#pragma once
// How `type_of<T>()` fills the table of each kind of type. Included by description.h alone.

#include <set>

namespace sofa {
namespace detail {

template <class T>
void fill_lifetime(Type& type) {
  type.size = sizeof(T);
  type.align = alignof(T);
  type.construct = [](void* at) { new (at) T(); };
  type.destroy = [](void* at) { static_cast<T*>(at)->~T(); };
  if constexpr (std::is_copy_assignable_v<T>) {
    type.assign = [](void* to, const void* from) { *static_cast<T*>(to) = *static_cast<const T*>(from); };
  }
}

template <class T>
constexpr Kind number_kind() {
  if constexpr (std::same_as<T, bool>) return Kind::boolean;
  if constexpr (std::same_as<T, float>) return Kind::float32;
  if constexpr (std::same_as<T, double>) return Kind::float64;
  if constexpr (std::is_signed_v<T>) return sizeof(T) == 1 ? Kind::int8 : sizeof(T) == 2 ? Kind::int16 : sizeof(T) == 4 ? Kind::int32 : Kind::int64;
  return sizeof(T) == 1 ? Kind::uint8 : sizeof(T) == 2 ? Kind::uint16 : sizeof(T) == 4 ? Kind::uint32 : Kind::uint64;
}

/// "int" for Kind::int32 and so on; unsigned types take the Java type of their width.
std::string_view primitive_java_type(Kind kind);
/// "java.lang.Integer" for "int"; the name itself when it is no primitive.
std::string_view boxed_java_type(std::string_view primitive);
/// "[I" for "int", "[Ljava.lang.String;" for "java.lang.String", "[[I" for "[I". The text lives for ever.
std::string_view array_java_type(std::string_view element);

template <class L, class E>
void fill_list(Type& type, bool java_array) {
  static ListOps ops;
  // A vector's own storage is reached through `items` for Array<E>.
  static constexpr auto vector_of = [](auto* list) -> auto& {
    if constexpr (requires { list->items; }) {
      return list->items;
    } else {
      return *list;
    }
  };
  ops.element = &type_of<E>;
  ops.size = [](const void* list) { return vector_of(static_cast<const L*>(list)).size(); };
  ops.clear = [](void* list) { vector_of(static_cast<L*>(list)).clear(); };
  ops.reserve = [](void* list, size_t more) {
    auto& items = vector_of(static_cast<L*>(list));
    items.reserve(items.size() + more);
  };
  ops.append = [](void* list) -> void* { return &vector_of(static_cast<L*>(list)).emplace_back(); };
  ops.at = [](const void* list, size_t index) -> const void* { return &vector_of(static_cast<const L*>(list))[index]; };
  if constexpr (std::is_arithmetic_v<E>) {
    ops.data = [](const void* list) -> const void* { return vector_of(static_cast<const L*>(list)).data(); };
    ops.extend = [](void* list, size_t n) -> void* {
      auto& items = vector_of(static_cast<L*>(list));
      items.resize(items.size() + n);
      return items.data() + items.size() - n;
    };
  } else {
    ops.data = nullptr;
    ops.extend = nullptr;
  }
  ops.java_array = java_array;
  type.kind = Kind::list;
  type.list = &ops;
}

/// Entries that a bucket of an unordered map filled from outside may hold.
inline constexpr size_t kFullestBucket = 256;

/// True when the key falls into a bucket of an unordered map that is too full, which only keys made to collide bring about: they would make the
/// whole map quadratic. Numbers that collide in one table lie apart in a larger one; texts may have the same hash in any.
template <class M>
bool is_crowded(M& map, const typename M::key_type& key) {
  if constexpr (requires { map.bucket(key); }) {
    for (int tries = 0; map.size() >= kFullestBucket && map.bucket_size(map.bucket(key)) >= kFullestBucket; ++tries) {
      if (tries == 4 || map.bucket_count() > map.size() * 16) return true;
      map.rehash(map.bucket_count() * 2 + 1);
    }
  }
  return false;
}

template <class M>
void fill_map(Type& type) {
  using K = typename M::key_type;
  using V = typename M::mapped_type;
  static MapOps ops;
  ops.key = &type_of<K>;
  ops.value = &type_of<V>;
  ops.size = [](const void* map) { return static_cast<const M*>(map)->size(); };
  ops.clear = [](void* map) { static_cast<M*>(map)->clear(); };
  ops.reserve = nullptr;
  if constexpr (requires(M& m) { m.reserve(size_t{}); }) {
    ops.reserve = [](void* map, size_t n) { static_cast<M*>(map)->reserve(n); };
  }
  ops.for_each = [](const void* map, void* context, bool (*visit)(void*, const void*, const void*)) {
    for (const auto& [key, value] : *static_cast<const M*>(map)) {
      if (!visit(context, &key, &value)) return;
    }
  };
  if constexpr (requires(M& m) { m.insert_filled(nullptr, nullptr); }) {
    ops.insert = [](void* map, void* context, bool (*fill)(void*, void*, void*)) { return static_cast<M*>(map)->insert_filled(context, fill); };
  } else {
    ops.insert = [](void* map, void* context, bool (*fill)(void*, void*, void*)) {
      K key{};
      V value{};
      if (!fill(context, &key, &value)) return false;
      M& m = *static_cast<M*>(map);
      if (is_crowded(m, key)) return false;
      m.insert_or_assign(std::move(key), std::move(value));
      return true;
    };
  }
  type.kind = Kind::map;
  type.map = &ops;
  type.java_type = "java.util.Map";
}

template <class H, class T>
void fill_indirect(Type& type, Ownership ownership) {
  static IndirectOps ops;
  ops.ownership = ownership;
  ops.target = &type_of<T>;
  ops.get = [](const void* holder) -> const void* {
    const H& h = *static_cast<const H*>(holder);
    return h ? std::addressof(*h) : nullptr;
  };
  ops.emplace = [](void* holder, Arena* arena) -> void* {
    H& h = *static_cast<H*>(holder);
    if constexpr (std::same_as<H, std::optional<T>>) {
      return std::addressof(h.emplace());
    } else if constexpr (std::same_as<H, std::shared_ptr<T>>) {
      h = std::make_shared<T>();
    } else if constexpr (std::same_as<H, std::unique_ptr<T>>) {
      h = std::make_unique<T>();
    } else if constexpr (std::same_as<H, Graph<T>>) {
      h = Graph<T>(arena->shared_from_this(), arena->make<T>());
    } else {
      h = H(arena->make<T>());
    }
    return std::addressof(*h);
  };
  ops.reset = [](void* holder) { *static_cast<H*>(holder) = H(); };
  ops.share = nullptr;
  ops.point = nullptr;
  if constexpr (std::same_as<H, Link<T>>) {
    ops.point = [](void* holder, void* target, Arena*) { *static_cast<H*>(holder) = H(static_cast<T*>(target)); };
  }
  if constexpr (std::same_as<H, Graph<T>>) {
    ops.point = [](void* holder, void* target, Arena* arena) {
      *static_cast<H*>(holder) = Graph<T>(arena->shared_from_this(), static_cast<T*>(target));
    };
  }
  if constexpr (std::same_as<H, std::shared_ptr<T>>) {
    ops.share = [](void* holder, const void* other) { *static_cast<H*>(holder) = *static_cast<const H*>(other); };
  }
  type.kind = Kind::indirect;
  type.indirect = &ops;
}

template <class T>
struct Shape {
  static void fill(Type& type) {
    if constexpr (TypeTraits<T>::kKnown) {
      TypeTraits<T>::fill(type);
    } else if constexpr (std::is_arithmetic_v<T>) {
      type.kind = number_kind<T>();
      type.java_type = primitive_java_type(type.kind);
    } else if constexpr (std::is_enum_v<T>) {
      static_assert(DescribedEnum<T>, "an enum needs `void describe(sofa::EnumDescription<E>&)` next to it");
      static EnumInfo info;
      EnumDescription<T> description(info, type);
      describe(description);
      type.kind = Kind::enumeration;
      type.enumeration = &info;
      type.get_number = [](const void* at) { return static_cast<int64_t>(*static_cast<const T*>(at)); };
      type.set_number = [](void* at, int64_t number) { *static_cast<T*>(at) = static_cast<T>(number); };
    } else {
      static_assert(DescribedByMember<T> || DescribedByFunction<T>,
                    "a struct needs `static auto describe(sofa::Description<T>&)` or a free `void describe(sofa::Description<T>&)`");
      static StructInfo info;
      Description<T> description(info, type);
      if constexpr (DescribedByMember<T>) {
        T::describe(description);
      } else {
        describe(description);
      }
      type.kind = Kind::structure;
      type.structure = &info;
    }
  }
};

template <>
struct Shape<std::string> {
  static void fill(Type& type) { type.kind = Kind::string, type.java_type = "java.lang.String"; }
};
template <>
struct Shape<Bytes> {
  static void fill(Type& type) { type.kind = Kind::bytes, type.java_type = "[B"; }
};
template <class E>
struct Shape<std::vector<E>> {
  static_assert(!std::same_as<E, bool>,
                "std::vector<bool> has no addressable elements; use Array<bool> for a boolean[], std::vector<std::optional<bool>> for a List");
  static void fill(Type& type) {
    fill_list<std::vector<E>, E>(type, false);
    type.java_type = std::same_as<E, uint8_t> ? "[B" : "java.util.List";
  }
};
template <class E>
struct Shape<Array<E>> {
  static void fill(Type& type) {
    fill_list<Array<E>, E>(type, true);
    type.java_type = array_java_type(type_of<E>().java_type);
  }
};
template <class K, class V, class... Rest>
struct Shape<std::map<K, V, Rest...>> {
  static void fill(Type& type) { fill_map<std::map<K, V, Rest...>>(type); }
};
template <class K, class V, class... Rest>
struct Shape<std::unordered_map<K, V, Rest...>> {
  static void fill(Type& type) { fill_map<std::unordered_map<K, V, Rest...>>(type); }
};
template <class T>
struct Shape<std::optional<T>> {
  static void fill(Type& type) {
    fill_indirect<std::optional<T>, T>(type, Ownership::optional);
    if constexpr (std::is_arithmetic_v<T>) {
      type.java_type = boxed_java_type(type_of<T>().java_type);
    } else {
      type.java_type = type_of<T>().java_type;
    }
  }
};
// The Java type of a pointer is its target's, but asking for it here would recurse for ever in a struct that points to itself: java_type_of looks
// through.
template <class T>
struct Shape<std::shared_ptr<T>> {
  static void fill(Type& type) { fill_indirect<std::shared_ptr<T>, T>(type, Ownership::shared); }
};
template <class T>
struct Shape<std::unique_ptr<T>> {
  static void fill(Type& type) { fill_indirect<std::unique_ptr<T>, T>(type, Ownership::unique); }
};
template <class T>
struct Shape<Link<T>> {
  static void fill(Type& type) { fill_indirect<Link<T>, T>(type, Ownership::link); }
};
template <class T>
struct Shape<Graph<T>> {
  static void fill(Type& type) { fill_indirect<Graph<T>, T>(type, Ownership::graph); }
};

}  // namespace detail

template <class T>
const Type& type_of() {
  static const Type type = [] {
    Type made;
    detail::fill_lifetime<T>(made);
    detail::Shape<T>::fill(made);
    return made;
  }();
  return type;
}

/// The Java type in signature form, looking through pointers.
std::string_view java_type_of(const Type& type);

}  // namespace sofa
