#include "sofa/rpc/detail/argument_text.h"

#include "sofa/base/json.h"

namespace sofa::rpc::detail {

namespace {

template <class T>
std::string_view digits(const void* at, std::string& scratch) {
  scratch.clear();
  fmt::format_to(std::back_inserter(scratch), "{}", *static_cast<const T*>(at));
  return scratch;
}

std::string_view json_text(const Type& type, const void* at, std::string& scratch) {
  auto json = to_json(type, at);
  scratch = json ? std::move(*json) : std::string();
  std::string_view text = scratch;
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

std::string_view described_text(const Type& type, const void* at, std::string& scratch) {
  switch (type.kind) {
    case Kind::string:
      return *static_cast<const std::string*>(at);
    case Kind::int32:
      return digits<int32_t>(at, scratch);
    case Kind::int64:
      return digits<int64_t>(at, scratch);
    case Kind::indirect: {
      const void* target = type.indirect->get(at);
      return target == nullptr ? std::string_view() : described_text(type.indirect->target(), target, scratch);
    }
    default:
      return json_text(type, at, scratch);
  }
}

}  // namespace

std::string_view argument_text(const ValueShape& shape, const void* argument, std::string& scratch) {
  if (shape.type != nullptr) return described_text(*shape.type, argument, scratch);
  if (shape.protobuf == nullptr) return {};
  scratch.resize(shape.protobuf->size(argument));
  return shape.protobuf->write(argument, scratch.data(), scratch.size()) ? std::string_view(scratch) : std::string_view();
}

std::string_view argument_text(const hessian::Value& argument, std::string& scratch) {
  if (argument.kind() == hessian::ValueKind::string) return argument.text();
  if (argument.kind() == hessian::ValueKind::boolean) return argument.boolean() ? "true" : "false";
  if (!argument.is_integer()) return {};
  const int64_t number = argument.integer();
  return digits<int64_t>(&number, scratch);
}

}  // namespace sofa::rpc::detail
