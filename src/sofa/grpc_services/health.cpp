#include "sofa/grpc_services/health.h"

#include <list>
#include <map>
#include <mutex>

#include "grpc/health/v1/health.sofa.h"
#include "sofa/io/shard.h"
#include "sofa/io/sync.h"

namespace sofa::grpc {

namespace {

namespace pb = ::grpc::health::v1;
using rpc::or_return;
using rpc::Task;

pb::HealthCheckResponse answer_of(pb::HealthCheckResponse::ServingStatus status) {
  pb::HealthCheckResponse answer;
  answer.set_status(status);
  return answer;
}

pb::HealthCheckResponse::ServingStatus wire_status(Health::Status status) {
  switch (status) {
    case Health::Status::serving:
      return pb::HealthCheckResponse::SERVING;
    case Health::Status::not_serving:
      return pb::HealthCheckResponse::NOT_SERVING;
    case Health::Status::unknown:
      break;
  }
  return pb::HealthCheckResponse::UNKNOWN;
}

}  // namespace

/// Shared by all shards.
struct Health::State {
  /// One Watch call: told on its shard.
  struct Watcher {
    io::Shard& shard;
    std::shared_ptr<io::Event> changed;
  };

  mutable std::mutex mutex;
  std::map<std::string, Status, std::less<>> statuses{{"", Status::serving}};
  std::list<Watcher> watchers;
  bool ended = false;

  std::optional<Status> get(std::string_view service) const {
    const std::lock_guard lock(mutex);
    const auto found = statuses.find(service);
    return found == statuses.end() ? std::nullopt : std::optional(found->second);
  }
  bool is_ended() const {
    const std::lock_guard lock(mutex);
    return ended;
  }
  void tell() {
    for (const Watcher& watcher : watchers) watcher.shard.post([changed = watcher.changed] { changed->set(); });
  }
};

namespace {

/// Is among the watchers while it lives.
class Watching {
 public:
  explicit Watching(Health::State& state) : state_(state), changed_(std::make_shared<io::Event>()) {
    const std::lock_guard lock(state_.mutex);
    at_ = state_.watchers.insert(state_.watchers.end(), {io::Shard::current(), changed_});
  }
  ~Watching() {
    const std::lock_guard lock(state_.mutex);
    state_.watchers.erase(at_);
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  io::Event& changed() { return *changed_; }

 private:
  Health::State& state_;
  std::shared_ptr<io::Event> changed_;
  std::list<Health::State::Watcher>::iterator at_;
};

/// Sends the status at once and after each change, until the caller leaves or the server ends.
Task<Result<void>> watch(std::shared_ptr<Health::State> state, std::string service, rpc::Writer<pb::HealthCheckResponse>& out) {
  Watching watching(*state);
  std::optional<pb::HealthCheckResponse::ServingStatus> sent;
  for (;;) {
    watching.changed().clear();
    const bool last = state->is_ended();
    const auto status = state->get(service);
    const auto now = status ? wire_status(*status) : pb::HealthCheckResponse::SERVICE_UNKNOWN;
    if (sent != now) co_await or_return(out.write(answer_of(now)));
    sent = now;
    if (last) co_return Result<void>();
    co_await or_return(watching.changed().wait());
  }
}

}  // namespace

Health::Health() : state_(std::make_shared<State>()) {}

void Health::set(std::string_view service, Status status) {
  const std::lock_guard lock(state_->mutex);
  if (state_->ended) return;
  state_->statuses.insert_or_assign(std::string(service), status);
  state_->tell();
}

void Health::shut_down() {
  const std::lock_guard lock(state_->mutex);
  for (auto& [service, status] : state_->statuses) status = Status::not_serving;
  state_->ended = true;
  state_->tell();
}

std::optional<Health::Status> Health::get(std::string_view service) const { return state_->get(service); }

namespace {

std::shared_ptr<pb::Health> make_service(const std::shared_ptr<Health::State>& kept) {
  auto service = std::make_shared<pb::Health>();
  service->check = [state = kept](pb::HealthCheckRequest request) -> Result<pb::HealthCheckResponse> {
    const auto status = state->get(request.service());
    if (!status) return fail(Code::not_found, "the health of service '{}' is not known here", request.service());
    return answer_of(wire_status(*status));
  };
  service->list = [state = kept](pb::HealthListRequest) {
    pb::HealthListResponse all;
    const std::lock_guard lock(state->mutex);
    for (const auto& [name, status] : state->statuses) (*all.mutable_statuses())[name] = answer_of(wire_status(status));
    return all;
  };
  service->watch = [state = kept](pb::HealthCheckRequest request, rpc::Writer<pb::HealthCheckResponse>& out) {
    return watch(state, request.service(), out);
  };
  return service;
}

}  // namespace

rpc::Server with_health(rpc::Server server, const Health& health) {
  return std::move(server).add(make_service(health.state_), {.thread_safe = true}).on_stopping([kept = health]() mutable { kept.shut_down(); });
}

}  // namespace sofa::grpc
