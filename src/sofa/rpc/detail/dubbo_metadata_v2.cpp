#include "sofa/rpc/detail/dubbo_metadata_v2.h"

#include "sofa/base/protobuf_fields.h"

namespace sofa::rpc::detail {

namespace {

/// The text of MetadataRequest's only field.
std::string_view revision_of(ByteSpan request) {
  std::string_view revision;
  ProtobufFields fields(request);
  while (const auto field = fields.next()) {
    if (field->number == 1) revision = as_text(field->bytes);
  }
  return revision;
}

/// An entry of a map: its key is field 1, its value field 2.
template <class F>
void write_entry(ProtobufWriter& writer, uint32_t field, std::string_view key, F write_value) {
  writer.message(field, [&](ProtobufWriter& entry) {
    entry.text(1, key);
    write_value(entry);
  });
}

/// ServiceInfoV2 {name, group, version, protocol, port, path, params}.
void write_service(ProtobufWriter& writer, const DubboServiceInfo& service) {
  writer.text(1, service.name);
  writer.text(2, service.group.value_or(""));
  writer.text(3, service.version.value_or(""));
  writer.text(4, service.protocol);
  writer.number(5, static_cast<uint64_t>(static_cast<int64_t>(service.port)));
  writer.text(6, service.path);
  for (const auto& [name, value] : service.params) write_entry(writer, 7, name, [&](ProtobufWriter& entry) { entry.text(2, value); });
}

/// MetadataInfoV2 {app, version, services}.
void write_metadata(Buffer& out, const DubboMetadata& metadata) {
  ProtobufWriter writer(out);
  writer.text(1, metadata.app);
  writer.text(2, metadata.revision);
  for (const auto& [key, service] : metadata.services) {
    write_entry(writer, 3, key, [&](ProtobufWriter& entry) { entry.message(2, [&](ProtobufWriter& value) { write_service(value, service); }); });
  }
}

}  // namespace

Result<void> DubboMetadataV2::add_to(grpc::Server& server) {
  if (application_ == nullptr) return {};
  return server.add_unary(fmt::format("/{}/GetMetadataInfo", kName), *this);
}

void DubboMetadataV2::handle(std::unique_ptr<grpc::UnaryCall> call) {
  const std::string_view revision = revision_of(call->message());
  const DubboMetadata metadata = application_->metadata();
  if (!revision.empty() && revision != metadata.revision) {
    return call->answer(Error(
        Code::not_found, fmt::format("{} has the metadata of revision {}, '{}' was asked for", application_->name(), metadata.revision, revision)));
  }
  call->answer_with([&metadata](Buffer& out) { return write_metadata(out, metadata), Result<void>(); });
}

}  // namespace sofa::rpc::detail
