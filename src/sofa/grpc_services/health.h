#pragma once
// Health of a server's services as gRPC's tools and balancers ask for it (grpc.health.v1).
//
//   grpc::Health health;
//   health.set("bank.Ledger", grpc::Health::Status::not_serving);
//   auto server = grpc::with_health(rpc::Server{}.port(12200).add(ledger), health);

#include <memory>
#include <optional>
#include <string_view>

#include "sofa/rpc/server.h"

namespace sofa::grpc {

/// The statuses by service; "" is the whole server, which is serving from the start. Any thread.
class Health {
 public:
  enum class Status : uint8_t { unknown, serving, not_serving };

  Health();
  void set(std::string_view service, Status status);
  /// Every known service is not_serving from now on, whatever is set later, and a Watch ends when it has said so. A server with health does it when
  /// it stops.
  void shut_down();
  /// Nothing for a service that was never set.
  std::optional<Status> get(std::string_view service) const;

  struct State;

 private:
  friend rpc::Server with_health(rpc::Server server, const Health& health);
  std::shared_ptr<State> state_;
};

/// Adds the service: Check, List and Watch. It keeps the statuses, and shuts them down when the server stops.
rpc::Server with_health(rpc::Server server, const Health& health);

}  // namespace sofa::grpc
