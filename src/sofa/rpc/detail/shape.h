#pragma once
// The type-erased side of Method<R(Args...)>: what its arguments and result are, without templates.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa::rpc {

/// A message of protoc's C++ output (google::protobuf::MessageLite), known by its shape: this header needs no protobuf include.
template <class T>
concept ProtobufMessage = std::is_class_v<T> && requires(T& message, const T& constant, void* to, const void* from) {
  { message.ParseFromArray(from, 0) } -> std::same_as<bool>;
  { constant.SerializeToArray(to, 0) } -> std::same_as<bool>;
  { constant.ByteSizeLong() } -> std::convertible_to<size_t>;
  { constant.GetTypeName() } -> std::convertible_to<std::string>;
};

namespace detail {

struct ProtobufOps {
  bool (*parse)(void* message, const void* from, size_t size);
  size_t (*size)(const void* message);
  bool (*write)(const void* message, void* to, size_t size);
  void (*copy)(void* to, const void* from);
};

/// One argument or result: how to make, move and destroy it, and which of the two worlds it is of.
struct ValueShape {
  size_t size = 0, align = 1;
  void (*construct)(void* at) = nullptr;
  void (*destroy)(void* at) = nullptr;
  void (*take)(void* to, void* from) = nullptr;  // move assignment
  const Type* type = nullptr;                    // described
  const ProtobufOps* protobuf = nullptr;         // or a protobuf message; both null: void
};

/// How to make, move and destroy a T, whatever world it is of.
template <class T>
ValueShape value_memory() {
  return {.size = sizeof(T),
          .align = alignof(T),
          .construct = [](void* at) { new (at) T(); },
          .destroy = [](void* at) { static_cast<T*>(at)->~T(); },
          .take = [](void* to, void* from) { *static_cast<T*>(to) = std::move(*static_cast<T*>(from)); }};
}

template <class T>
ValueShape value_shape() {
  ValueShape shape;
  if constexpr (!std::is_void_v<T>) {
    shape = value_memory<T>();
    if constexpr (ProtobufMessage<T>) {
      static constexpr ProtobufOps kOps{
          [](void* message, const void* from, size_t size) { return static_cast<T*>(message)->ParseFromArray(from, static_cast<int>(size)); },
          [](const void* message) -> size_t { return static_cast<const T*>(message)->ByteSizeLong(); },
          [](const void* message, void* to, size_t size) { return static_cast<const T*>(message)->SerializeToArray(to, static_cast<int>(size)); },
          [](void* to, const void* from) { *static_cast<T*>(to) = *static_cast<const T*>(from); }};
      shape.protobuf = &kOps;
    } else {
      shape.type = &type_of<T>();
    }
  }
  return shape;
}

/// Whether a value stands alone in a Hessian stream: no object, list or map, so that no reference to or from it exists.
bool is_plain(const Type& type);

struct MethodShape {
  std::vector<ValueShape> arguments;
  ValueShape result;
  bool plain_arguments = true;  // all is_plain: they may be read and written apart from the request object before them
  bool plain_result = true;
  std::vector<std::string_view> signatures;  // Java's Class.getName() of each argument

  void complete();  // fills what follows from the types
};

template <class R, class... Args>
const MethodShape& shape_of() {
  static const MethodShape shape = [] {
    MethodShape made;
    made.arguments = {value_shape<Args>()...};
    made.result = value_shape<R>();
    made.complete();
    return made;
  }();
  return shape;
}

/// An error when the value has Links or dynamic values outside a Graph: nothing would own what they point to. `what` is "the result" or the like.
Result<void> check_owned(const ValueShape& value, std::string_view service, std::string_view method, std::string_view what);

/// Copies an argument or a result; false when its type cannot be copied.
bool copy_value(const ValueShape& shape, void* to, const void* from);

/// Default-made values of a method: its arguments, then its result. Small ones in place.
class Values {
 public:
  explicit Values(const MethodShape& shape);
  ~Values();
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  void* const* arguments() const { return at_; }
  void* result() const { return at_[count_]; }

 private:
  static constexpr size_t kInline = 192;
  static constexpr size_t kInlineValues = 6;
  const MethodShape& shape_;
  size_t count_;
  void** at_ = inline_at_;
  std::byte* memory_ = inline_;
  void* inline_at_[kInlineValues];
  alignas(std::max_align_t) std::byte inline_[kInline];
};

}  // namespace detail
}  // namespace sofa::rpc
