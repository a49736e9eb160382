#include "sofa/rpc/detail/shape.h"

namespace sofa::rpc::detail {

bool is_plain(const Type& type) {
  if (type.kind == Kind::boolean || type.is_number() || type.kind == Kind::string || type.kind == Kind::bytes) return true;
  return type.kind == Kind::indirect && type.indirect->ownership == Ownership::optional && is_plain(type.indirect->target());
}

void MethodShape::complete() {
  for (const ValueShape& argument : arguments) {
    if (argument.type == nullptr) {
      signatures.push_back("");
      continue;
    }
    plain_arguments = plain_arguments && is_plain(*argument.type);
    signatures.push_back(java_type_of(*argument.type));
  }
  plain_result = result.type == nullptr || is_plain(*result.type);
}

Result<void> check_owned(const ValueShape& value, std::string_view service, std::string_view method, std::string_view what) {
  if (value.type == nullptr || !value.type->has_links()) return {};
  return fail(Code::failed_precondition, "{}.{}: {} ({}) has Links or dynamic values, which need an owner; declare it as Graph<...>", service, method,
              what, java_type_of(*value.type));
}

bool copy_value(const ValueShape& shape, void* to, const void* from) {
  if (shape.protobuf != nullptr) return shape.protobuf->copy(to, from), true;
  if (shape.type->assign == nullptr || shape.type->has_links()) return false;
  shape.type->assign(to, from);
  return true;
}

namespace {
size_t aligned(size_t offset, size_t align) { return (offset + align - 1) / align * align; }
}  // namespace

Values::Values(const MethodShape& shape) : shape_(shape), count_(shape.arguments.size()) {
  const auto shape_at = [&shape, this](size_t i) -> const ValueShape& { return i < count_ ? shape.arguments[i] : shape.result; };
  if (count_ + 1 > kInlineValues) at_ = new void*[count_ + 1];
  size_t size = 0;
  for (size_t i = 0; i <= count_; ++i) size = aligned(size, shape_at(i).align) + shape_at(i).size;
  if (size > kInline) memory_ = new std::byte[size];
  size_t offset = 0;
  for (size_t i = 0; i <= count_; ++i) {
    const ValueShape& value = shape_at(i);
    offset = aligned(offset, value.align);
    at_[i] = memory_ + offset;
    if (value.construct != nullptr) value.construct(at_[i]);
    offset += value.size;
  }
}

Values::~Values() {
  if (shape_.result.destroy != nullptr) shape_.result.destroy(at_[count_]);
  for (size_t i = count_; i-- > 0;) shape_.arguments[i].destroy(at_[i]);
  if (memory_ != inline_) delete[] memory_;
  if (at_ != inline_at_) delete[] at_;
}

}  // namespace sofa::rpc::detail
