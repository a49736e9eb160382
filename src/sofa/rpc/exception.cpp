#include "sofa/rpc/exception.h"

namespace sofa::rpc {

Code code_of_java_class(std::string_view class_name) {
  static constexpr std::pair<std::string_view, Code> kCodes[] = {
      {"java.lang.IllegalArgumentException", Code::invalid_argument},
      {"java.lang.NumberFormatException", Code::invalid_argument},
      {"java.lang.NullPointerException", Code::internal},
      {"java.lang.IndexOutOfBoundsException", Code::out_of_range},
      {"java.lang.IllegalStateException", Code::failed_precondition},
      {"java.lang.UnsupportedOperationException", Code::unimplemented},
      {"java.lang.SecurityException", Code::permission_denied},
      {"java.util.NoSuchElementException", Code::not_found},
      {"java.util.concurrent.TimeoutException", Code::deadline_exceeded},
      {"java.util.concurrent.CancellationException", Code::cancelled},
  };
  for (auto [name, code] : kCodes) {
    if (name == class_name) return code;
  }
  return Code::unknown;
}

Error java_error(JavaException exception) {
  const Code code = code_of_java_class(exception.class_name);
  std::string sentence = exception.message.value_or(exception.class_name);
  return Error(code, std::move(sentence)).with_detail(std::make_shared<const JavaException>(std::move(exception)));
}

}  // namespace sofa::rpc
