#pragma once
// Answers of grpc.reflection (v1 and v1alpha have the same messages) about the admin API and health. Pure.

#include "sofa/admin/detail/proto_schema.h"
#include "sofa/base/bytes.h"

namespace sofa::admin::detail {

class Reflection {
 public:
  /// `schema` outlives it.
  explicit Reflection(const ProtoSchema& schema);
  /// A ServerReflectionResponse to a ServerReflectionRequest.
  Bytes answer(ByteSpan request) const;

 private:
  const ProtoSchema& schema_;
  const Bytes api_, structs_, health_;  // FileDescriptorProtos
};

}  // namespace sofa::admin::detail
