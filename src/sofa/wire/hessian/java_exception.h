#pragma once
// A Java Throwable of any class as a value: what a service throws at a Java caller and what a Java service threw at us.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::hessian {

namespace detail {
struct ExceptionCodec;
}

/// java.lang.StackTraceElement; `line` -1: unknown, -2: native.
struct StackFrame {
  std::string declaring_class, method, file;
  int32_t line = -1;
  friend bool operator==(const StackFrame&, const StackFrame&) = default;
};

/// Travels in an Error as its detail: `Error(...).with_detail(std::make_shared<JavaException>(...))`. Copies share the custom fields' arena.
/// Reads an object of any class as Throwable: detailMessage, cause (a reference to itself is "no cause"), stackTrace and
/// suppressedExceptions where present, every other field by name.
struct JavaException final : ErrorDetail {
  JavaException() = default;
  JavaException(std::string name, std::optional<std::string> text) : class_name(std::move(name)), message(std::move(text)) {}

  std::string class_name = "java.lang.RuntimeException";
  std::optional<std::string> message;
  std::shared_ptr<const JavaException> cause;
  std::vector<StackFrame> stack;
  std::vector<JavaException> suppressed;

  /// A field that the class adds to Throwable, `code` for example; null when there is none.
  const Value* field(std::string_view name) const;
  /// Adds or replaces a custom field; nodes must come from arena(). Fields are written in the order of their setting, before detailMessage.
  JavaException& set(std::string_view name, Value value);
  Arena& arena();
  const std::vector<std::pair<std::string, Value>>& fields() const { return fields_; }

  /// "sofa.interop.InteropException: boom checked", as Java's Throwable prints itself.
  std::string to_string() const;

 private:
  friend struct detail::ExceptionCodec;
  std::vector<std::pair<std::string, Value>> fields_;
  std::shared_ptr<Arena> arena_;
};

}  // namespace sofa::hessian

namespace sofa {
template <>
struct TypeTraits<hessian::JavaException> {
  static constexpr bool kKnown = true;
  static void fill(Type& type) { type.java_type = "java.lang.Throwable"; }
};
}  // namespace sofa
