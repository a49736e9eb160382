#pragma once
// How a described type stands in a message of protobuf.
//
// A struct is a message whose fields have the numbers of their order: a struct that is served grows at its end only. A field of one value knows
// whether it is there, so that what a request leaves out keeps the struct's own default. What protobuf has no field for (a list in a list, a map of
// lists, a type with a text form of its own) is a google.protobuf.Value, which holds any JSON.

#include "sofa/base/description.h"

namespace sofa::admin::detail {

enum class Form : uint8_t { boolean, int32, int64, uint32, uint64, float32, float64, string, bytes, enumeration, message, value };

struct ProtoShape {
  Form form = Form::value;
  const Type* type = nullptr;  ///< of one value
  bool repeated = false;
  const Type* key = nullptr;  ///< of a map; null: it is none
  Form key_form = Form::string;

  bool single() const { return !repeated && key == nullptr; }
};

ProtoShape shape_of(const Type& type);

/// What is inside of optional and other holders.
const Type& looked_through(const Type& type);
/// Whether the type is a message by itself; others stand in one with the single field "value".
bool is_message(const Type& type);

}  // namespace sofa::admin::detail
