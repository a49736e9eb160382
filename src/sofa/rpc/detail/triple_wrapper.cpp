#include "sofa/rpc/detail/triple_wrapper.h"

#include <algorithm>

#include "sofa/base/protobuf_fields.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::rpc::detail {

namespace {

// Field numbers of the two messages.
constexpr uint32_t kSerializeType = 1;
constexpr uint32_t kArguments = 2, kArgumentTypes = 3;
constexpr uint32_t kData = 2, kType = 3;
constexpr std::string_view kVoid = "void";

void write_serializer(Buffer& out, TripleSerializer serializer) { ProtobufWriter(out).bytes(kSerializeType, as_bytes(to_string(serializer))); }

/// Walks over a message of either kind; an absent serializer is SOFARPC's.
template <class F>
Result<TripleSerializer> read_fields(ByteSpan message, std::string_view what, F take) {
  std::string_view name = to_string(TripleSerializer::sofa_hessian);
  ProtobufFields fields(message);
  while (const auto field = fields.next()) {
    if (field->number == kSerializeType) {
      name = as_text(field->bytes);
    } else {
      take(field->number, field->bytes);
    }
  }
  if (fields.is_broken()) return fail(Code::invalid_argument, "{} bytes are no wrapper message of a {}", message.size(), what);
  if (const auto serializer = triple_serializer(name)) return *serializer;
  return fail(Code::unimplemented, "the serializer of a {} is '{}', which is none of hessian2 (SOFARPC), hessian4 (Dubbo)", what, name);
}

void write_response(Buffer& out, const TripleResponse& response) {
  write_serializer(out, response.serializer);
  ProtobufWriter fields(out);
  fields.bytes(kData, response.data);
  fields.bytes(kType, as_bytes(response.type));
}

std::string_view declared_type(const ValueShape& shape) { return shape.type == nullptr ? kVoid : java_type_of(*shape.type); }

/// The class of the objects that stand for a primitive; any other type is itself.
std::string_view boxed(std::string_view type) {
  static constexpr std::pair<std::string_view, std::string_view> kBoxes[] = {
      {"boolean", "java.lang.Boolean"}, {"byte", "java.lang.Byte"}, {"char", "java.lang.Character"}, {"short", "java.lang.Short"},
      {"int", "java.lang.Integer"},     {"long", "java.lang.Long"}, {"float", "java.lang.Float"},    {"double", "java.lang.Double"}};
  const auto box = std::ranges::find(kBoxes, type, [](const auto& pair) { return pair.first; });
  return box == std::end(kBoxes) ? type : box->second;
}

hessian::ReaderOptions reader_options(TripleSerializer serializer) {
  return serializer == TripleSerializer::dubbo_hessian ? dubbo::reader_options() : hessian::ReaderOptions{};
}
hessian::WriterOptions writer_options(TripleSerializer serializer) {
  return serializer == TripleSerializer::dubbo_hessian ? dubbo::writer_options() : hessian::WriterOptions{};
}

}  // namespace

std::optional<TripleSerializer> triple_serializer(std::string_view name) {
  for (const auto serializer : {TripleSerializer::sofa_hessian, TripleSerializer::dubbo_hessian}) {
    if (name == to_string(serializer)) return serializer;
  }
  return std::nullopt;
}

std::string_view to_string(TripleSerializer serializer) { return serializer == TripleSerializer::sofa_hessian ? "hessian2" : "hessian4"; }

Result<TripleRequest> read_triple_request(ByteSpan message) {
  TripleRequest request;
  auto serializer = read_fields(message, "request", [&request](uint64_t number, ByteSpan bytes) {
    if (number == kArguments) request.arguments.push_back(bytes);
    if (number == kArgumentTypes) request.types.push_back(as_text(bytes));
  });
  if (!serializer) return forward_error(serializer);
  request.serializer = *serializer;
  return request;
}

Result<TripleResponse> read_triple_response(ByteSpan message) {
  TripleResponse response;
  auto serializer = read_fields(message, "response", [&response](uint64_t number, ByteSpan bytes) {
    if (number == kData) response.data = bytes;
    if (number == kType) response.type = as_text(bytes);
  });
  if (!serializer) return forward_error(serializer);
  response.serializer = *serializer;
  return response;
}

Result<void> read_triple_value(TripleSerializer serializer, ByteSpan data, const ValueShape& shape, void* into, std::string_view label,
                               const hessian::ClassFilter* classes) {
  if (shape.type == nullptr) return {};
  auto options = reader_options(serializer);
  options.filter = classes;
  hessian::Reader reader(data, options);
  if (auto done = reader.read(*shape.type, into, label); !done) return done;
  return reader.expect_end();
}

Result<void> write_triple_value(Buffer& out, TripleSerializer serializer, const ValueShape& shape, const void* value) {
  hessian::Writer writer(out, writer_options(serializer));
  if (shape.type != nullptr && value != nullptr) return writer.write(*shape.type, value);
  writer.write_null();
  return {};
}

Result<void> write_triple_result(Buffer& out, TripleSerializer serializer, const ValueShape& shape, const void* value, TripleTypes types) {
  Buffer data;
  if (auto done = write_triple_value(data, serializer, shape, value); !done) return done;
  const std::string_view declared = declared_type(shape);
  write_response(out, {serializer, data.span(), types == TripleTypes::boxed ? boxed(declared) : declared});
  return {};
}

Result<void> write_triple_exception(Buffer& out, const ValueShape& shape, const JavaException& exception) {
  Buffer data;
  if (auto done = hessian::Writer(data, dubbo::writer_options()).write(exception); !done) return done;
  write_response(out, {TripleSerializer::dubbo_hessian, data.span(), declared_type(shape)});
  return {};
}

Result<void> read_triple_exception(const TripleResponse& response, const hessian::ClassFilter* classes) {
  static const ValueShape kShape = value_shape<JavaException>();
  JavaException exception;
  if (auto done = read_triple_value(response.serializer, response.data, kShape, &exception, "the exception", classes); !done) return done;
  return fail_java(std::move(exception));
}

Result<void> write_triple_arguments(Buffer& out, TripleSerializer serializer, const MethodShape& shape, std::span<const std::string_view> types,
                                    std::span<const void* const> arguments) {
  write_serializer(out, serializer);
  ProtobufWriter fields(out);
  Buffer argument;
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    argument.clear();
    if (auto done = write_triple_value(argument, serializer, shape.arguments[i], arguments[i]); !done) return done;
    fields.bytes(kArguments, argument.span());
  }
  for (const std::string_view type : types) fields.bytes(kArgumentTypes, as_bytes(type));
  return {};
}

}  // namespace sofa::rpc::detail
