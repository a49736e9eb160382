#pragma once
// Events: what happens in an application, told by type to whoever asked for it.
//
//   Cache(Ref<Events> events) {
//     started_ = events->subscribe<ApplicationStarted>([this](const ApplicationStarted&) { return warm(); });
//   }
//   EventSubscription started_;    // as long as it lives, the listener is called
//
//   co_await events->publish(RatesChanged{...});    // any struct is an event
//
// A listener returns nothing, Result<void>, or io::Task<Result<void>>. Listeners are called one after the other, in the order of their subscription;
// of events with `static constexpr bool kReversed = true` in the opposite one, so that what was set up last is taken down first. A listener that
// fails, or takes longer than its deadline, does not keep the event from the others. Those that subscribe during an event hear the next one.
//
// All of it on the application's shard.

#include <concepts>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/boot/reference.h"
#include "sofa/io/task.h"

namespace sofa::boot {

/// All components of a module have started; told once for each module with components, before ApplicationStarted. A listener's failure fails the
/// start.
struct ModuleInstalled {
  std::string module;
  size_t components = 0;
};
/// All components have started; readiness is not decided yet, and no traffic comes in. A listener's failure fails the start.
struct ApplicationStarted {
  std::string application;
};
/// The application is about to stop: traffic is refused, nothing has been closed yet. A listener's failure is part of the stop's error.
struct BeforeStop {
  static constexpr bool kReversed = true;
  std::string application;
};

class Events;

/// Keeps a listener subscribed; empty when made by default. May outlive the Events. What the listener uses must live until it has returned.
class EventSubscription {
 public:
  EventSubscription() = default;

 private:
  friend class Events;
  explicit EventSubscription(std::shared_ptr<void> listener) : listener_(std::move(listener)) {}
  std::shared_ptr<void> listener_;
};

class Events {
 public:
  explicit Events(Duration listener_timeout = std::chrono::seconds(10)) : listener_timeout_(listener_timeout) {}

  template <class Event, std::invocable<const Event&> F>
  [[nodiscard]] EventSubscription subscribe(F listener, std::source_location where = std::source_location::current()) {
    return add(interface_of<Event>(), where, [listener = std::move(listener)](const void* event) -> io::Task<Result<void>> {
      using Returned = std::invoke_result_t<F&, const Event&>;
      if constexpr (std::is_void_v<Returned>) {
        listener(*static_cast<const Event*>(event));
        co_return Result<void>{};
      } else if constexpr (std::same_as<Returned, Result<void>>) {
        co_return listener(*static_cast<const Event*>(event));
      } else {
        co_return co_await listener(*static_cast<const Event*>(event));
      }
    });
  }

  /// Tells all listeners and waits for them. The first error, in whose text every listener that failed stands with the place of its subscription.
  template <class Event>
  io::Task<Result<void>> publish(Event event) {
    constexpr bool reversed = requires { requires Event::kReversed; };
    co_return co_await tell(interface_of<Event>(), &event, reversed);
  }

  /// How many listen to an event.
  template <class Event>
  size_t listeners() const {
    return listening(interface_of<Event>()).size();
  }

 private:
  using Call = std::function<io::Task<Result<void>>(const void* event)>;
  struct Listener {
    InterfaceId event;
    std::source_location where;
    Call call;
  };

  EventSubscription add(InterfaceId event, std::source_location where, Call call);
  io::Task<Result<void>> tell(InterfaceId event, const void* object, bool reversed);
  std::vector<std::weak_ptr<Listener>> listening(InterfaceId event) const;

  const Duration listener_timeout_;
  std::vector<std::weak_ptr<Listener>> listeners_;  // those that are gone are swept out when one is added
};

}  // namespace sofa::boot
