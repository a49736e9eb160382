#pragma once
// Extension points: where a component takes content of a described type, from the configuration and from other components.
//
//   class Router {
//    public:
//     explicit Router(ExtensionPoint<Route, "routes"> routes) {
//       for (const auto& [from, route] : routes) add(route);
//     }
//   };
//   app.component<Router>("router");
//   app.component<Shop>("shop").contributes("routes", Route{.path = "/shop"});     // before or after the router, all the same
//
//   extensions:                       # of the configuration file
//     routes:
//       - {path: /news}
//
// A point has one owner in an application. What is contributed is known before anything is constructed: a point that nobody has, content of another
// type, a point of a module that the contributor may not see are errors of the start, with the names of both (plan.h). Content is data; for objects
// take All<T> (reference.h).

#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/boot/reference.h"

namespace sofa::boot {

/// One entry, and whose it is.
template <class T>
struct Contributed {
  std::string from;  ///< the component's name, or "extensions.routes[0]" of the configuration
  T content;
};

/// What a constructor takes to own the point: all content, that of the configuration first, then by the order of registration.
template <class T, FixedText Name>
class ExtensionPoint {
 public:
  explicit ExtensionPoint(std::vector<Contributed<T>> all) : all_(std::make_shared<const std::vector<Contributed<T>>>(std::move(all))) {}
  auto begin() const { return all_->begin(); }
  auto end() const { return all_->end(); }
  size_t size() const { return all_->size(); }
  bool empty() const { return all_->empty(); }

 private:
  std::shared_ptr<const std::vector<Contributed<T>>> all_;
};

/// A point, as a component's spec has it.
struct PointSpec {
  std::string_view name{};
  InterfaceId content{};
  const Type* list = nullptr;  ///< of the entries in the configuration: a std::vector of the content
};

/// What a component contributes.
struct ContributionSpec {
  std::string point{};
  InterfaceId content{};
  std::shared_ptr<const void> value{};
  std::source_location where{};
};

/// All content of a point, its type erased.
struct PointContent {
  const void* configured = nullptr;  ///< a std::vector of the content; null: the configuration has none
  std::vector<std::pair<std::string_view, const void*>> contributed{};
};

}  // namespace sofa::boot
