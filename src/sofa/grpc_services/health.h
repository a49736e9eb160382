#pragma once
// Health of a server's services as gRPC's tools and balancers ask for it (grpc.health.v1).
//
//   grpc::Health health;
//   health.set("bank.Ledger", grpc::Health::Status::not_serving);
//   auto server = std::move(server).add(health.service(), {.thread_safe = true}).on_stopping([health]() mutable { health.shut_down(); });

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace grpc::health::v1 {
struct Health;
}

namespace sofa::grpc {

/// The statuses by service; "" is the whole server, which is serving from the start. Any thread.
class Health {
 public:
  enum class Status : uint8_t { unknown, serving, not_serving };

  Health();
  void set(std::string_view service, Status status);
  /// Every known service is not_serving from now on, and a Watch ends when it has said so: for rpc::Server::on_stopping.
  void shut_down();
  /// Nothing for a service that was never set.
  std::optional<Status> get(std::string_view service) const;

  /// Check, List and Watch, for a server of any number of shards (thread_safe). It keeps the statuses.
  std::shared_ptr<::grpc::health::v1::Health> service() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace sofa::grpc
