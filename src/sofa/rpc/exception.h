#pragma once
// Business errors as Java knows them: what a service throws at its caller, Java or C++, and what a caller gets from a Java service.
//
//   return fail_java("java.lang.IllegalArgumentException", "amount {} is negative", cents);        // in a handler
//   if (auto* thrown = result.error().detail<rpc::JavaException>()) use(thrown->class_name);       // in a client
//
// A plain Error that a handler returns reaches Java as java.lang.RuntimeException with the error's sentence, and a C++ caller with its code, too.

#include <string>
#include <string_view>

#include "sofa/base/error.h"
#include "sofa/wire/hessian/java_exception.h"

namespace sofa::rpc {

using hessian::JavaException;

/// The code that fits a Java exception class: IllegalArgumentException is invalid_argument, UnsupportedOperationException unimplemented, ...;
/// unknown for all others.
Code code_of_java_class(std::string_view class_name);

/// An Error that carries the exception. Its sentence is the exception's message.
Error java_error(JavaException exception);

/// Throws a Java exception of any class; plain JDK classes exist at every caller.
template <class... Args>
std::unexpected<Error> fail_java(std::string class_name, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected<Error>(java_error(JavaException(std::move(class_name), fmt::format(format, std::forward<Args>(args)...))));
}
/// The same with custom fields: `fail_java(std::move(exception))`.
inline std::unexpected<Error> fail_java(JavaException exception) { return std::unexpected<Error>(java_error(std::move(exception))); }

}  // namespace sofa::rpc
