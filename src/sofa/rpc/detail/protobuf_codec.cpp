#include "sofa/rpc/detail/protobuf_codec.h"

namespace sofa::rpc::detail {

Result<void> write_message(Buffer& out, const ProtobufOps& protobuf, const void* message, std::string_view method) {
  const size_t size = protobuf.size(message);
  if (size == 0 || protobuf.write(message, out.extend(size), size)) return {};
  return fail(Code::internal, "a message of {} cannot be written as protobuf", method);
}

Result<void> read_message(ByteSpan bytes, const ProtobufOps& protobuf, void* into, std::string_view method) {
  if (protobuf.parse(into, bytes.data(), bytes.size())) return {};
  return fail(Code::internal, "{} bytes are no protobuf message of the type that {} declares", bytes.size(), method);
}

const MethodShape& shape_of_message_bytes() {
  static constexpr ProtobufOps kOps{[](void* message, const void* from, size_t size) {
                                      *static_cast<Bytes*>(message) = Bytes::copy_of(ByteSpan(static_cast<const uint8_t*>(from), size));
                                      return true;
                                    },
                                    [](const void* message) { return static_cast<const Bytes*>(message)->size(); },
                                    [](const void* message, void* to, size_t size) {
                                      std::memcpy(to, static_cast<const Bytes*>(message)->data(), size);
                                      return true;
                                    },
                                    [](void* to, const void* from) { *static_cast<Bytes*>(to) = *static_cast<const Bytes*>(from); }};
  static const MethodShape shape = [] {
    MethodShape made;
    made.arguments = {value_memory<Bytes>()};
    made.result = value_memory<Bytes>();
    made.arguments[0].protobuf = made.result.protobuf = &kOps;
    made.complete();
    return made;
  }();
  return shape;
}

}  // namespace sofa::rpc::detail
