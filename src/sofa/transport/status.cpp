#include "sofa/transport/status.h"

#include <array>

namespace sofa::transport {

namespace {
constexpr size_t kStatuses = 0x13;  // they go up to 0x12
constexpr size_t kSents = 3;

std::shared_ptr<const ErrorDetail> shared_detail(bolt::Status status, Sent sent) {
  // Errors may cross shards, and a shared_ptr may be copied by any thread.
  static const auto all = [] {
    std::array<std::array<std::shared_ptr<const ErrorDetail>, kStatuses>, kSents> details;
    for (size_t s = 0; s < kSents; ++s) {
      for (size_t i = 0; i < kStatuses; ++i)
        details[s][i] = std::make_shared<const TransportStatus>(static_cast<bolt::Status>(i), static_cast<Sent>(s));
    }
    return details;
  }();
  return all.at(static_cast<size_t>(sent)).at(static_cast<size_t>(status));
}
}  // namespace

Error with_status(Error error, bolt::Status status, Sent sent) { return std::move(error).with_detail(shared_detail(status, sent)); }

Sent sent_of(const Error& error) {
  const auto* status = error.detail<TransportStatus>();
  return status == nullptr ? Sent::maybe : status->sent;
}

}  // namespace sofa::transport
