#include "sofa/transport/status.h"

#include <array>

namespace sofa::transport {

namespace {
std::shared_ptr<const ErrorDetail> shared_detail(bolt::Status status) {
  // Indexed by the status: they go up to 0x12. Errors may cross shards, and a shared_ptr may be copied by any thread.
  static const auto all = [] {
    std::array<std::shared_ptr<const ErrorDetail>, 0x13> details;
    for (size_t i = 0; i < details.size(); ++i) details[i] = std::make_shared<const TransportStatus>(static_cast<bolt::Status>(i));
    return details;
  }();
  return all.at(static_cast<size_t>(status));
}
}  // namespace

Error with_status(Error error, bolt::Status status) { return std::move(error).with_detail(shared_detail(status)); }

}  // namespace sofa::transport
