#pragma once
// A component: an ordinary class that the application constructs, starts and stops. What it needs stands in its constructor (reference.h); it knows
// nothing of boot otherwise, and a unit test constructs it by hand.
//
//   app.component<Journal>("journal");
//   app.component<LedgerService>("ledger").provides<Ledger>().on(boot::bolt, boot::triple).after("warm-cache");
//
// The steps of its life are found by their names; each may be missing, and may return Result<void> in place of a Task:
//
//   io::Task<Result<void>> start();   // may wait; what the component refers to has started
//   io::Task<Result<void>> drain();   // no new work is coming: end what runs; what refers to the component is still there
//   io::Task<Result<void>> stop();    // what refers to it has stopped
//   Health health() const;            // asked for again and again between start and stop, must not block (health.h)
//   Result<void> on_config(const Config& before, const Config& now);   // fields marked live have changed (configuration.h)
//
// All of it runs on the application's first shard. A constructor is cheap: it keeps its arguments; whatever may fail or wait belongs into start().
//
// This header holds a component with its type erased. Applications use Application::component (application.h).

#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/boot/extension.h"
#include "sofa/boot/health.h"
#include "sofa/boot/reference.h"
#include "sofa/io/task.h"
#include "sofa/rpc/client.h"
#include "sofa/rpc/in_process.h"
#include "sofa/rpc/rest.h"
#include "sofa/rpc/server.h"

namespace sofa::boot {

/// What a service is published on. `rest` goes with ComponentBuilder::routes; `http` is JSON at "/<unique name>/<method>".
struct Protocol {
  std::string_view name;
};
inline constexpr Protocol bolt{"bolt"};
inline constexpr Protocol triple{"triple"};
inline constexpr Protocol grpc{"grpc"};
inline constexpr Protocol dubbo{"dubbo"};
inline constexpr Protocol http{"http"};
inline constexpr Protocol rest{"rest"};

enum class NeedKind : uint8_t { one, optional, all };

/// What is known of a need because it is a service. The component gets a client in either case: of a remote one, or in the process.
struct ServiceOps {
  std::shared_ptr<void> (*make)();  ///< a client that is connected to nobody
  io::Task<Result<void>> (*connect)(void* client, std::string target, rpc::ClientOptions options);
  io::Task<Result<void>> (*connect_in_process)(void* client, std::shared_ptr<void> service, rpc::ServiceOptions options);
};

/// One reference of a constructor.
struct Need {
  NeedKind kind = NeedKind::one;
  InterfaceId interface{};
  std::string_view unique_id{};
  const ServiceOps* service = nullptr;  ///< null: it is no service; the component gets the object itself, and it cannot be remote
};

/// One interface that a component provides.
struct Offer {
  InterfaceId interface{};
  std::string unique_id{};
  /// The component as the interface; called once.
  std::shared_ptr<void> (*view)(const std::shared_ptr<void>& component) = nullptr;
  /// Adds it to a server; null: it is no service.
  void (*publish)(rpc::Server& server, std::shared_ptr<void> service, rpc::ServiceOptions options) = nullptr;
  std::vector<Protocol> protocols{};  ///< of other processes that may call it; empty: none may
  rpc::ServiceOptions options{};      ///< with `protocols`
  /// Adds its REST routes; empty: it has none.
  std::function<void(rpc::RestRoutes& routes, const rpc::ServiceId& id)> add_routes{};
};

/// What the steps of a component's life may take.
struct StepTimeouts {
  Duration start = std::chrono::seconds(30);
  Duration drain = std::chrono::seconds(20);
  Duration stop = std::chrono::seconds(10);
};

/// What a constructor gets: the component's configuration (null when it takes none), the targets of each of its needs, and the content of each of its
/// extension points, in their order.
struct Injection {
  const void* config = nullptr;
  std::vector<std::vector<std::shared_ptr<void>>> targets{};
  std::vector<PointContent> points{};
};

using Step = io::Task<Result<void>> (*)(void* component);

struct ComponentSpec {
  std::string name{};
  std::string module{};           ///< empty: it belongs to the application itself
  std::source_location where{};   ///< of its registration
  std::string_view class_name{};  ///< of C++
  std::vector<Need> needs{};
  std::vector<Offer> offers{};
  std::vector<PointSpec> points{};                ///< extension points that it has
  std::vector<ContributionSpec> contributions{};  ///< to points of others
  std::vector<std::string> after{};               ///< names of components that start before it without being referred to
  const Type* config = nullptr;                   ///< null: it takes none
  StepTimeouts timeouts{};
  std::function<std::shared_ptr<void>(const Injection&)> make{};
  Step start = nullptr;  ///< null, of these and those below: the class has none
  Step drain = nullptr;
  Step stop = nullptr;
  Health (*health)(const void* component) = nullptr;
  Result<void> (*on_config)(void* component, const void* before, const void* now) = nullptr;

  /// `component "ledger" (main.cpp:12)`
  std::string described() const;
};

/// `bank.Ledger` or `bank.Ledger:u1`, as SOFABoot names services.
std::string name_of(const InterfaceId& interface, std::string_view unique_id);

}  // namespace sofa::boot
