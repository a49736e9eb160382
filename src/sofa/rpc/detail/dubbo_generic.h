#pragma once
// Generic calls of Dubbo (docs/protocols/dubbo.md, section 7): values as callers without the classes have them, and back.

#include <optional>
#include <span>
#include <string_view>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::rpc::detail {

/// How arguments and result of a call stand on the wire.
enum class DubboForm : uint8_t {
  typed,          ///< an ordinary call: values of the method's own types
  pojo,           ///< generic "true": objects are maps with a key "class"
  raw_return,     ///< generic "raw.return": arguments as pojo, the result typed
  bean,           ///< generic "bean": every value is a JavaBeanDescriptor
  gson,           ///< generic "gson": every argument and the result are JSON texts
  protobuf_json,  ///< generic "protobuf-json": methods of protobuf messages; the argument and the result are their JSON
};

/// The form that the attachment `generic` names, or nothing for one that is not spoken here (nativejava, any other).
std::optional<DubboForm> dubbo_form(std::string_view generic);

/// An argument as the reader of a described type takes it: maps with a text under "class" become objects of that class, a JavaBeanDescriptor (in the
/// form bean alone) what it describes. Nodes of the result belong to `arena` or are those of the argument. Errors: a bean that is none.
Result<hessian::Value> realize(const hessian::Value& argument, DubboForm form, Arena& arena);

/// A result, as Dubbo's peers write it, in the form pojo or bean. `type` is what it was written from: it tells which classes are enums, which an
/// object does not. Objects of the JDK stay what they are. Sharing and cycles are kept.
hessian::Value generalize(const hessian::Value& result, const Type& type, DubboForm form, Arena& arena);

}  // namespace sofa::rpc::detail
