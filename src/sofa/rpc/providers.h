#pragma once
// Where the providers of a service come from. Today a fixed list; registries implement the same interface.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/cluster/provider.h"

namespace sofa::rpc {

using cluster::Provider;
using cluster::ProviderList;

/// Used on the client's shard alone.
class Providers {
 public:
  virtual ~Providers() = default;
  /// The providers known at this moment; called for every call, so it must be cheap: the same object until something changes. May be empty, never
  /// null.
  virtual ProviderList current() const = 0;
  /// Where they come from, for errors: "bolt://127.0.0.1:12200".
  virtual std::string_view source() const = 0;
};

/// A list that never changes.
class StaticProviders final : public Providers {
 public:
  StaticProviders(std::vector<Provider> list, std::string source)
      : list_(std::make_shared<const std::vector<Provider>>(std::move(list))), source_(std::move(source)) {}
  ProviderList current() const override { return list_; }
  std::string_view source() const override { return source_; }

 private:
  ProviderList list_;
  std::string source_;
};

/// Reads a direct url list: "bolt://127.0.0.1:12200,tri://[::1]:50051?weight=50" (docs/protocols/sofarpc.md, section 4); "," or ";" between,
/// the scheme may be left out (bolt). Errors name the part that is wrong.
Result<std::shared_ptr<Providers>> parse_providers(std::string_view urls);

}  // namespace sofa::rpc
