#pragma once
// Routers: which providers a call may go to at all, before a balancer picks one of them. A client runs a chain of them, in order.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/cluster/balancer.h"
#include "sofa/cluster/provider.h"

namespace sofa::cluster {

struct RouteKey {
  PickKey pick{};
  std::string_view tag{};  ///< of the call; empty: none
};

/// Shared by the shards of a client: without state, or it guards it.
class Router {
 public:
  virtual ~Router() = default;
  virtual std::string_view name() const = 0;
  /// Takes from `among`, indexes of providers in rising order, those that the call may not go to. When none is left the call fails.
  virtual void route(const RouteKey& key, std::span<const Provider> providers, std::vector<uint32_t>& among) const = 0;
};

using Routers = std::vector<std::shared_ptr<const Router>>;

/// A call with a tag goes to the providers whose URL has it (`?tag=blue`), or to those without a tag when there is none; a call without one goes to
/// those without one, or to any when all have one. `strict`: a call whose tag nobody has fails.
class TagRouter final : public Router {
 public:
  explicit TagRouter(bool strict = false, std::string attribute = "tag") : strict_(strict), attribute_(std::move(attribute)) {}
  std::string_view name() const override { return "tag"; }
  void route(const RouteKey& key, std::span<const Provider> providers, std::vector<uint32_t>& among) const override;

 private:
  const bool strict_;
  const std::string attribute_;
};

/// Methods that go to some providers alone: {"report", {"pool", "slow"}} sends `report` to those with `?pool=slow`; "get*" is every method that
/// begins so. The first rule that fits counts. Methods without a rule go to any.
class MethodRouter final : public Router {
 public:
  struct Rule {
    std::string method;
    std::string attribute;
    std::string value;
  };
  explicit MethodRouter(std::vector<Rule> rules) : rules_(std::move(rules)) {}
  std::string_view name() const override { return "method"; }
  void route(const RouteKey& key, std::span<const Provider> providers, std::vector<uint32_t>& among) const override;

 private:
  const std::vector<Rule> rules_;
};

}  // namespace sofa::cluster
