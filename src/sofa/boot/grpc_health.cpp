#include "sofa/boot/grpc_health.h"

#include "sofa/grpc_services/health.h"

namespace sofa::boot {

void with_grpc_health(Application& application) {
  application.on_publish([](rpc::Server server, Readiness& readiness, std::span<const std::string> services) {
    auto health = std::make_shared<grpc::Health>();
    std::vector<std::string> names(services.begin(), services.end());
    names.emplace_back();  // the whole server
    const auto follow = [health, names = std::move(names)](const ReadinessState& state) {
      const auto status = state.accepts_traffic() ? grpc::Health::Status::serving : grpc::Health::Status::not_serving;
      for (const std::string& name : names) health->set(name, status);
    };
    follow(*readiness.state());
    readiness.on_change(follow);
    return grpc::with_health(std::move(server), *health);
  });
}

}  // namespace sofa::boot
