#pragma once
// Types that are written and read by way of a dynamic value, because their shape on the wire depends on the peer: Uuid, ZoneOffset,
// JavaException.

#include <memory>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/wire/hessian/value.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {
struct JavaException;
}

namespace sofa::hessian::detail {

struct ExceptionCodec {
  /// `empty_list` is Java's one Collections.emptyList() of the stream; made when null.
  static Object* to_value(const JavaException& exception, Arena& arena, const WriterOptions& options, List*& empty_list);
  /// The nodes of custom fields stay where they are; `owner` keeps them alive.
  static Result<JavaException> from_value(const Value& value, const std::shared_ptr<Arena>& owner);
  static void keep_alive(JavaException& exception, const std::shared_ptr<Arena>& owner);
};

Value special_to_value(const Type& type, const void* at, Arena& arena, const WriterOptions& options, List*& empty_list);
Result<void> special_from_value(const Type& type, void* into, const Value& value, const std::shared_ptr<Arena>& owner);

}  // namespace sofa::hessian::detail
