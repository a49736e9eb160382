#include "sofa/http/fields.h"

#include "sofa/http/detail/byte_set.h"
#include "sofa/http/exchange.h"

namespace sofa::http {

using detail::is_field_name;
using detail::is_field_value;
using detail::is_target;

Result<void> check_fields(const Headers& headers) {
  for (const HeaderField field : headers) {
    if (!is_field_name(field.name)) return fail(Code::invalid_argument, "'{}' is no name of a header: use letters, digits and '-'", field.name);
    if (!is_field_value(field.value)) {
      return fail(Code::invalid_argument, "the value of the header '{}' holds a line end or another control character: encode it", field.name);
    }
  }
  return {};
}

Result<void> check_to_send(const RequestHead& head) {
  if (!is_field_name(head.method)) return fail(Code::invalid_argument, "'{}' is no method", head.method);
  if (head.target.empty() || !is_target(head.target)) {
    return fail(Code::invalid_argument, "the target '{}' is empty or holds a space: encode it", head.target);
  }
  if (!is_field_value(head.authority)) return fail(Code::invalid_argument, "the authority '{}' holds a line end", head.authority);
  return check_fields(head.headers);
}

}  // namespace sofa::http
