#pragma once
// Lifecycle: takes the components of a plan through construct, start, drain, stop and destroy, and keeps how long each step took.
//
// start(): a component starts as soon as all that it waits for have started, those that are independent of each other at the same time. drain(),
// stop() and destruction go the other way: a component's turn comes when all its dependants are through. Every step has its deadline
// (ComponentSpec::timeouts); a step that misses it is given up and the walk goes on.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/boot/component.h"
#include "sofa/boot/plan.h"
#include "sofa/io/task.h"

namespace sofa::boot {

enum class ComponentState : uint8_t { planned, constructed, starting, started, failed, skipped, stopped, destroyed };
std::string_view to_string(ComponentState state);

/// When a step ran; `begun` is zero of the clock when it never did.
struct StepTime {
  Instant begun{};
  Instant ended{};
  Duration took() const { return ended - begun; }
};

/// What one component has been through.
struct ComponentRecord {
  ComponentState state = ComponentState::planned;
  StepTime construct{}, start{}, drain{}, stop{};
  std::optional<Error> error{};        ///< of the last step that failed
  std::optional<size_t> waited_for{};  ///< of those that it waited for, the last to start: the chain of these is the critical path
};

/// The options of the client of one remote service.
using ClientOptionsOf = std::function<rpc::ClientOptions(const InterfaceId& interface, std::string_view unique_id)>;

class Lifecycle {
 public:
  /// `components` and `clock` outlive it. The plan is of these components.
  Lifecycle(std::span<const ComponentSpec> components, Plan plan, const Clock& clock);
  /// After stop(), or before start(); destroys what is left, in reverse order.
  ~Lifecycle();
  Lifecycle(const Lifecycle&) = delete;
  Lifecycle& operator=(const Lifecycle&) = delete;

  /// Constructs all, in the plan's order. `config_of` gives a component's configuration object, null when it takes none, `extensions_of` the list of
  /// a point's entries in the configuration (nothing given: there are none). An exception of a constructor becomes internal with the component's
  /// name; what was constructed before is destroyed again.
  Result<void> construct(const std::function<const void*(const ComponentSpec&)>& config_of,
                         const std::function<const void*(std::string_view point)>& extensions_of = {});
  /// Starts all; clients of remote services connect first, with the options that `remote` gives. On a failure what can no longer be reached is
  /// skipped, what is starting is cancelled, what has started is stopped in reverse, and the error names every component that failed. On the
  /// application's shard, as all below.
  io::Task<Result<void>> start(const ClientOptionsOf& remote = {});
  /// Both go on over failures, and give the first error with all failed names.
  io::Task<Result<void>> drain();
  io::Task<Result<void>> stop();
  /// Destroys the components, dependants first.
  void destroy();

  const Plan& plan() const { return plan_; }
  std::span<const ComponentSpec> components() const { return specs_; }
  std::span<const ComponentRecord> records() const { return records_; }
  /// The component itself; null before construction and after destruction.
  const std::shared_ptr<void>& component(size_t index) const { return built_[index].component; }
  /// What a component says of itself; unknown while it has not started, or has stopped; up when its class says nothing. On the application's shard.
  Health health(size_t index) const;
  /// A component as one of its interfaces.
  const std::shared_ptr<void>& offered(OfferRef ref) const { return built_[ref.component].views[ref.offer]; }

 private:
  struct Built {
    std::shared_ptr<void> component;
    std::vector<std::shared_ptr<void>> views;                 // of each offer
    std::vector<std::vector<std::shared_ptr<void>>> clients;  // of each need that is a service, one for each target
  };
  class Walk;

  using ExtensionsOf = std::function<const void*(std::string_view point)>;
  Injection injection_for(size_t index);
  void add_points(Injection& injection, size_t index, const ExtensionsOf& extensions_of) const;
  Result<void> construct_one(size_t index, const void* config, const ExtensionsOf& extensions_of);
  io::Task<Result<void>> connect(size_t index, size_t need, const ClientOptionsOf& remote);
  io::Task<Result<void>> start_one(size_t index, const ClientOptionsOf& remote);
  io::Task<Result<void>> run_step(size_t index, Step step, Duration timeout, StepTime ComponentRecord::* time, const char* what);

  std::span<const ComponentSpec> specs_;
  const Plan plan_;
  const Clock& clock_;
  std::vector<Built> built_;
  std::vector<ComponentRecord> records_;
};

}  // namespace sofa::boot
