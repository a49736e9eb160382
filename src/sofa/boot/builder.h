#pragma once
// The typed part of a component's registration: reads the constructor, the steps and what it provides into a ComponentSpec.

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sofa/boot/component.h"
#include "sofa/boot/detail/constructor.h"

namespace sofa::boot {

namespace detail {

template <class T>
const ServiceOps* service_ops_of() {
  if constexpr (rpc::ServiceInterface<T>) {
    static constexpr ServiceOps kOps{
        .make = []() -> std::shared_ptr<void> { return std::make_shared<T>(); },
        .connect = [](void* client, std::string target, rpc::ClientOptions options) -> io::Task<Result<void>> {
          return rpc::connect_into(*static_cast<T*>(client), std::move(target), std::move(options));
        },
        .connect_in_process = [](void* client, std::shared_ptr<void> service, rpc::ServiceOptions options) -> io::Task<Result<void>> {
          return rpc::connect_in_process_into(*static_cast<T*>(client), std::static_pointer_cast<T>(std::move(service)),
                                              {.service = std::move(options)});
        }};
    return &kOps;
  } else {
    return nullptr;
  }
}

template <class R>
struct ReferenceTraits;
// kUniqueId keeps the text, which a Need only views.
template <class T, FixedText U>
struct ReferenceTraits<Ref<T, U>> {
  static Need need() { return {NeedKind::one, interface_of<T>(), kUniqueId.view(), service_ops_of<T>()}; }
  static Ref<T, U> make(const std::vector<std::shared_ptr<void>>& targets) { return Ref<T, U>(std::static_pointer_cast<T>(targets.front())); }
  static constexpr auto kUniqueId = U;
};
template <class T, FixedText U>
struct ReferenceTraits<Optional<T, U>> {
  static Need need() { return {NeedKind::optional, interface_of<T>(), kUniqueId.view(), service_ops_of<T>()}; }
  static Optional<T, U> make(const std::vector<std::shared_ptr<void>>& targets) {
    return Optional<T, U>(targets.empty() ? nullptr : std::static_pointer_cast<T>(targets.front()));
  }
  static constexpr auto kUniqueId = U;
};
template <class T>
struct ReferenceTraits<All<T>> {
  static Need need() { return {NeedKind::all, interface_of<T>(), {}, service_ops_of<T>()}; }
  static All<T> make(const std::vector<std::shared_ptr<void>>& targets) {
    std::vector<std::shared_ptr<T>> typed;
    for (const auto& target : targets) typed.push_back(std::static_pointer_cast<T>(target));
    return All<T>(std::move(typed));
  }
};

template <class P>
struct PointTraits;
// kName keeps the text, which a PointSpec only views.
template <class T, FixedText N>
struct PointTraits<ExtensionPoint<T, N>> {
  static_assert(Described<T>, "what an extension point takes is a described struct, so that the configuration can hold it");
  static PointSpec spec() { return {kName.view(), interface_of<T>(), &type_of<std::vector<T>>()}; }
  static ExtensionPoint<T, N> make(const PointContent& content) {
    std::vector<Contributed<T>> all;
    if (content.configured != nullptr) {
      for (const T& one : *static_cast<const std::vector<T>*>(content.configured))
        all.push_back({fmt::format("extensions.{}[{}]", kName.view(), all.size()), one});
    }
    for (const auto& [from, one] : content.contributed) all.push_back({std::string(from), *static_cast<const T*>(one)});
    return ExtensionPoint<T, N>(std::move(all));
  }
  static constexpr auto kName = N;
};

/// How many of the first `End` types of a tuple are references, or extension points: the number that the next one has.
template <template <class> class Is, class Tuple, size_t End>
constexpr size_t count_before() {
  return []<size_t... I>(std::index_sequence<I...>) {
    return (size_t{0} + ... + static_cast<size_t>(Is<std::tuple_element_t<I, Tuple>>::value));
  }(std::make_index_sequence<End>{});
}

template <class Tuple, size_t I>
decltype(auto) argument(const Injection& injection) {
  using P = std::tuple_element_t<I, Tuple>;
  if constexpr (IsReference<P>::value) {
    return ReferenceTraits<P>::make(injection.targets[count_before<IsReference, Tuple, I>()]);
  } else if constexpr (IsExtensionPoint<P>::value) {
    return PointTraits<P>::make(injection.points[count_before<IsExtensionPoint, Tuple, I>()]);
  } else {
    return *static_cast<const P*>(injection.config);
  }
}

template <class Tuple>
constexpr size_t config_count() {
  constexpr size_t size = std::tuple_size_v<Tuple>;
  return size - count_before<IsReference, Tuple, size>() - count_before<IsExtensionPoint, Tuple, size>();
}

template <class P>
void add_parameter(ComponentSpec& spec) {
  if constexpr (IsReference<P>::value) {
    spec.needs.push_back(ReferenceTraits<P>::need());
  } else if constexpr (IsExtensionPoint<P>::value) {
    spec.points.push_back(PointTraits<P>::spec());
  } else {
    spec.config = &type_of<P>();
  }
}

/// Needs, configuration and maker from the types of the parameters; `make(arguments...)` gives a std::shared_ptr<C>.
template <class C, class Tuple, class Make>
void read_parameters(ComponentSpec& spec, Make make) {
  static_assert(config_count<Tuple>() <= 1, "a constructor takes one configuration at most; describe one struct that holds the others");
  [&]<size_t... I>(std::index_sequence<I...>) {
    (add_parameter<std::tuple_element_t<I, Tuple>>(spec), ...);
    spec.make = [make = std::move(make)](const Injection& injection) -> std::shared_ptr<void> {
      return std::shared_ptr<C>(make(argument<Tuple, I>(injection)...));
    };
  }(std::make_index_sequence<std::tuple_size_v<Tuple>>{});
}

template <class Returned>
concept StepResult = std::same_as<Returned, io::Task<Result<void>>> || std::same_as<Returned, Result<void>>;

template <class C>
concept HasStart = requires(C& c) {
  { c.start() } -> StepResult;
};
template <class C>
concept HasDrain = requires(C& c) {
  { c.drain() } -> StepResult;
};
template <class C>
concept HasStop = requires(C& c) {
  { c.stop() } -> StepResult;
};
template <class C>
concept HasHealth = requires(const C& c) {
  { c.health() } -> std::same_as<Health>;
};
template <class C, class Config>
concept HasOnConfig = requires(C& c, const Config& config) {
  { c.on_config(config, config) } -> std::same_as<Result<void>>;
};

/// Calls `call(component)`, which returns either kind of result, as a task.
template <class C, auto Call>
io::Task<Result<void>> run_step(void* component) {
  if constexpr (std::same_as<decltype(Call(std::declval<C&>())), Result<void>>) {
    co_return Call(*static_cast<C*>(component));
  } else {
    co_return co_await Call(*static_cast<C*>(component));
  }
}

template <class C>
void read_steps(ComponentSpec& spec) {
  if constexpr (HasStart<C>) spec.start = &run_step<C, [](C& c) { return c.start(); }>;
  if constexpr (HasDrain<C>) spec.drain = &run_step<C, [](C& c) { return c.drain(); }>;
  if constexpr (HasStop<C>) spec.stop = &run_step<C, [](C& c) { return c.stop(); }>;
  if constexpr (HasHealth<C>) spec.health = [](const void* c) { return static_cast<const C*>(c)->health(); };
}

template <class C, class Config>
void read_on_config(ComponentSpec& spec) {
  if constexpr (HasOnConfig<C, Config>) {
    spec.on_config = [](void* c, const void* before, const void* now) {
      return static_cast<C*>(c)->on_config(*static_cast<const Config*>(before), *static_cast<const Config*>(now));
    };
  }
}

template <class Tuple, class C>
void read_config_changes(ComponentSpec& spec) {
  [&]<size_t... I>(std::index_sequence<I...>) {
    (..., [&]<class P>(std::type_identity<P>) {
      if constexpr (!IsReference<P>::value && !IsExtensionPoint<P>::value) read_on_config<C, P>(spec);
    }(std::type_identity<std::tuple_element_t<I, Tuple>>{}));
  }(std::make_index_sequence<std::tuple_size_v<Tuple>>{});
}

/// A class that is no T itself, but gives a T its implementations.
template <class C, class T>
concept Implements = requires(C& c, T& service) { c.implement(service); };

template <class C, class T>
std::shared_ptr<void> view_as(const std::shared_ptr<void>& component) {
  auto own = std::static_pointer_cast<C>(component);
  if constexpr (std::derived_from<C, T>) {
    return std::static_pointer_cast<void>(std::shared_ptr<T>(own));
  } else {
    // The component outlives what it implements: the service keeps it.
    struct Held {
      std::shared_ptr<C> component;
      T service;
    };
    auto held = std::make_shared<Held>(std::move(own));
    held->component->implement(held->service);
    return std::shared_ptr<T>(held, &held->service);
  }
}

template <class C, class T>
Offer offer_of(std::string unique_id) {
  Offer offer{.interface = interface_of<T>(), .unique_id = std::move(unique_id), .view = &view_as<C, T>};
  if constexpr (rpc::ServiceInterface<T>) {
    offer.publish = [](rpc::Server& server, std::shared_ptr<void> service, rpc::ServiceOptions options) {
      (void)std::move(server).add(std::static_pointer_cast<T>(std::move(service)), std::move(options));  // changes it in place
    };
  }
  return offer;
}

template <class C, class Tuple, class Make>
ComponentSpec spec_of(std::string name, std::source_location where, Make make) {
  ComponentSpec spec{.name = std::move(name), .where = where, .class_name = cpp_name_of<C>()};
  read_parameters<C, Tuple>(spec, std::move(make));
  read_steps<C>(spec);
  read_config_changes<Tuple, C>(spec);
  spec.offers.push_back(offer_of<C, C>(""));
  return spec;
}

}  // namespace detail

/// A component of class C with the constructor that boot can call.
template <detail::Constructible C>
ComponentSpec component_spec(std::string name, std::source_location where = std::source_location::current()) {
  return detail::spec_of<C, detail::Parameters<C>>(std::move(name), where,
                                                   [](const auto&... arguments) { return std::make_shared<C>(arguments...); });
}

/// A component that `make` gives, a function of references and a configuration that returns a std::shared_ptr or std::unique_ptr: for classes with
/// several constructors, or of another library.
template <class F>
ComponentSpec component_spec_made_by(std::string name, F make, std::source_location where = std::source_location::current()) {
  using Shape = detail::MakerShape<F>;
  using C = typename Shape::Made::element_type;
  return detail::spec_of<C, typename Shape::Parameters>(std::move(name), where, std::move(make));
}

/// What Application::component returns; refers to the spec until the application starts. `Last` is the interface of the last provides().
template <class C, class Last = void>
class ComponentBuilder {
 public:
  explicit ComponentBuilder(ComponentSpec& spec) : spec_(&spec) {}

  /// The component can be referred to as T: a base of its class, or a service that it gives its implementations by a member `implement(T&)`.
  template <class T>
    requires(std::derived_from<C, T> || detail::Implements<C, T>)
  ComponentBuilder<C, T> provides(std::string unique_id = {}) {
    // Under an id, or as itself said outright, it is no longer known by its class alone.
    std::erase_if(spec_->offers, [](const Offer& offer) { return std::same_as<C, T> && offer.interface == interface_of<T>(); });
    spec_->offers.push_back(detail::offer_of<C, T>(std::move(unique_id)));
    return ComponentBuilder<C, T>(*spec_);
  }

  /// Publishes the service that was provided last to other processes.
  template <std::same_as<Protocol>... P>
    requires rpc::ServiceInterface<Last>
  ComponentBuilder& on(P... protocols) {
    (spec_->offers.back().protocols.push_back(protocols), ...);
    return *this;
  }
  /// Publishes it as REST, too, by the routes that `add` gives its methods: routes.get("/hello/{name}", &Hello::hello, id). Called at the start.
  ComponentBuilder& routes(std::function<void(rpc::RestRoutes& routes, const rpc::ServiceId& id)> add)
    requires rpc::ServiceInterface<Last>
  {
    spec_->offers.back().add_routes = std::move(add);
    return on(rest);
  }
  /// The options of that service: version, concurrents, filters ... The unique id is that of provides().
  ComponentBuilder& with(rpc::ServiceOptions options)
    requires rpc::ServiceInterface<Last>
  {
    spec_->offers.back().options = std::move(options);
    return *this;
  }

  /// Content of an extension point that another component has (extension.h).
  template <detail::Described T>
  ComponentBuilder& contributes(std::string point, T content, std::source_location where = std::source_location::current()) {
    spec_->contributions.push_back({std::move(point), interface_of<T>(), std::make_shared<const T>(std::move(content)), where});
    return *this;
  }

  /// Starts after that component, and stops before it.
  ComponentBuilder& after(std::string component) { return spec_->after.push_back(std::move(component)), *this; }
  ComponentBuilder& start_timeout(Duration timeout) { return spec_->timeouts.start = timeout, *this; }
  ComponentBuilder& drain_timeout(Duration timeout) { return spec_->timeouts.drain = timeout, *this; }
  ComponentBuilder& stop_timeout(Duration timeout) { return spec_->timeouts.stop = timeout, *this; }

 private:
  ComponentSpec* spec_;
};

}  // namespace sofa::boot
