#include "sofa/admin/detail/proto_shape.h"

namespace sofa::admin::detail {

namespace {

Form form_of(const Type& type) {
  if (type.text_form != nullptr) return Form::value;
  if (type.is_byte_list()) return Form::bytes;
  switch (type.kind) {
    case Kind::boolean:
      return Form::boolean;
    case Kind::int8:
    case Kind::int16:
    case Kind::int32:
      return Form::int32;
    case Kind::int64:
      return Form::int64;
    case Kind::uint8:
    case Kind::uint16:
    case Kind::uint32:
      return Form::uint32;
    case Kind::uint64:
      return Form::uint64;
    case Kind::float32:
      return Form::float32;
    case Kind::float64:
      return Form::float64;
    case Kind::string:
      return Form::string;
    case Kind::bytes:
      return Form::bytes;
    case Kind::enumeration:
      return Form::enumeration;
    case Kind::structure:
      return Form::message;
    default:
      return Form::value;
  }
}

bool may_be_key(Form form) { return form <= Form::uint64 || form == Form::string; }

}  // namespace

const Type& looked_through(const Type& type) {
  const Type* inner = &type;
  while (inner->kind == Kind::indirect && inner->text_form == nullptr) inner = &inner->indirect->target();
  return *inner;
}

bool is_message(const Type& type) { return form_of(looked_through(type)) == Form::message; }

ProtoShape shape_of(const Type& given) {
  const Type& type = looked_through(given);
  ProtoShape shape{.form = form_of(type), .type = &type};
  if (shape.form != Form::value || type.text_form != nullptr) return shape;
  if (type.kind == Kind::list) {
    const Type& element = looked_through(type.list->element());
    return {.form = form_of(element), .type = &element, .repeated = true};
  }
  if (type.kind == Kind::map && may_be_key(form_of(type.map->key()))) {
    const Type& value = looked_through(type.map->value());
    return {.form = form_of(value), .type = &value, .key = &type.map->key(), .key_form = form_of(type.map->key())};
  }
  return shape;
}

}  // namespace sofa::admin::detail
