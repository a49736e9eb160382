#include "sofa/grpc/detail/fields.h"

#include "sofa/base/base64.h"
#include "sofa/base/text.h"
#include "sofa/grpc/status.h"

namespace sofa::grpc::detail {

namespace {
constexpr std::string_view kStatus = "grpc-status", kMessage = "grpc-message", kDetails = "grpc-status-details-bin";
}  // namespace

void add_field(http::Headers& to, std::string_view name, std::string_view value) {
  if (!name.ends_with("-bin")) return to.add(name, value);
  to.add(name, to_base64(as_bytes(value), Base64Padding::none));
}

void add_status(http::Headers& to, const Result<void>& status) {
  if (status) return to.add(kStatus, "0");
  const Error& error = status.error();
  to.add(kStatus, fmt::format_int(static_cast<int>(error.code())).c_str());
  to.add(kMessage, encode_message(error.to_string()));
  if (const auto* details = error.detail<StatusDetails>(); details != nullptr) add_field(to, kDetails, details->bytes.text());
}

Result<void> read_status(const http::Headers& fields) {
  const std::string_view number = fields.get_or(kStatus);
  if (number == "0") return {};
  const auto code = whole_number<uint32_t>(number).value_or(0);
  constexpr uint32_t kMostCode = 16;
  std::string message = decode_message(fields.get_or(kMessage));
  const bool is_known = code >= 1 && code <= kMostCode;
  if (!is_known) message = fmt::format("the grpc-status is '{}', which is no code of gRPC{}{}", number, message.empty() ? "" : ": ", message);
  Error error(is_known ? static_cast<Code>(code) : Code::unknown, std::move(message));
  const auto details = fields.get(kDetails);
  const auto bytes = details ? from_base64(*details, Base64Padding::none) : std::nullopt;
  if (!bytes) return std::unexpected(std::move(error));
  return std::unexpected(std::move(error).with_detail(std::make_shared<const StatusDetails>(Bytes::copy_of(*bytes))));
}

bool is_status_field(std::string_view name) { return name == kStatus || name == kMessage || name == kDetails; }

}  // namespace sofa::grpc::detail
