#include "sofa/boot/events.h"

#include <algorithm>

#include "sofa/boot/detail/place.h"
#include "sofa/io/scope.h"
#include "sofa/io/shard.h"

namespace sofa::boot {

EventSubscription Events::add(InterfaceId event, std::source_location where, Call call) {
  std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  auto listener = std::make_shared<Listener>(event, where, std::move(call));
  listeners_.push_back(listener);
  return EventSubscription(std::move(listener));
}

std::vector<std::weak_ptr<Events::Listener>> Events::listening(InterfaceId event) const {
  std::vector<std::weak_ptr<Listener>> found;
  std::ranges::copy_if(listeners_, std::back_inserter(found), [&](const std::weak_ptr<Listener>& weak) {
    const auto listener = weak.lock();
    return listener != nullptr && listener->event == event;
  });
  return found;
}

io::Task<Result<void>> Events::tell(InterfaceId event, const void* object, bool reversed) {
  auto listeners = listening(event);
  if (reversed) std::ranges::reverse(listeners);
  std::string failed;
  std::optional<Error> first;
  for (const auto& weak : listeners) {
    const auto listener = weak.lock();
    if (listener == nullptr) continue;  // an earlier listener has ended its subscription
    auto told = co_await io::with_timeout(listener_timeout_, listener->call(object));
    if (told) continue;
    failed += fmt::format("{}{}", failed.empty() ? "" : ", ", detail::place_of(listener->where));
    if (!first) first = std::move(told.error());
  }
  if (!first) co_return Result<void>{};
  co_return std::unexpected<Error>(std::move(*first).wrap(fmt::format("the event {} failed at its listeners of {}", event.name, failed)));
}

}  // namespace sofa::boot
