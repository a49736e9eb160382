#pragma once
// The methods of one shard's services, found by (service, method, signatures) without an allocation. Methods that stream are only among entries().
// A service whose time has not come (ServiceOptions::delay) is found by none but entries() and declares().

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sofa/io/blocking_pool.h"
#include "sofa/rpc/filter.h"
#include "sofa/rpc/interface.h"

namespace sofa::rpc::detail {

class Admission;

/// Whether a service that is there from then on is there now, on the current shard.
inline bool has_come(Instant since) { return since == Instant{} || since <= io::Shard::current().now(); }

/// How the methods of a service are served. What it points to lives as long as the table.
struct ServiceRules {
  std::span<const std::string> include{};  // empty: all
  std::span<const std::string> exclude{};
  io::BlockingPool* pool = nullptr;  // of plain functions; null: the shard
  std::span<const std::shared_ptr<Filter>> filters{};
  Instant since{};  // when the service is there
};

struct MethodEntry {
  size_t index;  // among entries()
  const MethodBase* method;
  std::string service;               // unique name
  std::string signatures;            // joined, JVM form
  std::string grpc_path;             // "/package.Service/Method"; empty when it is not reached over gRPC
  Admission* admission = nullptr;    // of its service, when that has a limit of its own
  io::BlockingPool* pool = nullptr;  // of a plain function that may block; null: it runs on the shard
  std::span<const std::shared_ptr<Filter>> filters{};
  Instant since{};  // when its service is there
  bool is_there() const { return has_come(since); }
  /// Whether it travels over gRPC in Triple's wrapper messages, having no protobuf messages of its own.
  bool is_wrapped() const { return method->shape().result.protobuf == nullptr; }
};

class ServiceTable {
 public:
  /// Checks the service and takes its methods in. Errors name the service and the method.
  /// `proto_name`: the first part of gRPC paths; empty: not reached over gRPC.
  Result<void> add(std::string unique_name, std::shared_ptr<Interface> service, std::string_view proto_name = {}, const ServiceRules& rules = {});

  bool has_service(std::string_view service) const;
  /// Whether there is that overload, now or later.
  bool declares(std::string_view service, std::string_view method, std::string_view signatures) const {
    return look_up(service, method, signatures) != nullptr;
  }
  /// The overload, or null.
  const MethodEntry* find(std::string_view service, std::string_view method, std::string_view signatures) const;
  /// The unary methods of that name.
  std::vector<const MethodEntry*> overloads(std::string_view service, std::string_view method) const;
  /// The only method of that name with so many arguments, or null.
  const MethodEntry* find_by_count(std::string_view service, std::string_view method, size_t arguments) const;
  /// All methods, in the order of their adding: the same on every shard.
  const std::vector<std::unique_ptr<MethodEntry>>& entries() const { return entries_; }
  /// For JSON, which carries no signatures: the only method of that name, or the only overload with as many arguments as the content has.
  const MethodEntry* find_for_json(std::string_view service, std::string_view method, std::string_view content) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Service {
    std::shared_ptr<Interface> interface;
    Instant since;
  };
  struct Slot {
    uint64_t hash = 0;
    const MethodEntry* entry = nullptr;
  };
  static uint64_t hash(std::string_view service, std::string_view method, std::string_view signatures);
  Result<void> check(const std::string& unique_name, const MethodBase& method) const;
  const MethodEntry* look_up(std::string_view service, std::string_view method, std::string_view signatures) const;
  void rebuild();

  std::vector<std::unique_ptr<MethodEntry>> entries_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  std::unordered_map<std::string, Service, Hash, std::equal_to<>> by_service_;
};

}  // namespace sofa::rpc::detail
