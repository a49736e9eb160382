#pragma once
// Filters: code around every call of a server or a client, in an ordered chain. A filter sees the request before and the result after; it may
// answer without calling further.
//
//   struct Timing : rpc::Filter {
//     rpc::Task<Result<void>> invoke(rpc::Invocation& call, rpc::Next next) override {
//       Result<void> done = co_await next(call);
//       log.info("call", {{"method", call.method}, {"ok", done.has_value()}});
//       co_return done;
//     }
//   };

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/rpc/context.h"

namespace sofa::rpc {

namespace detail {
struct MethodShape;
}  // namespace detail

/// An argument or a result of a type known at run time. `type` is null for a protobuf message and for void.
struct AnyRef {
  const Type* type = nullptr;
  void* at = nullptr;
  /// The value as T, or null when it is of another type.
  template <class T>
  T* as() const {
    return type == &type_of<T>() ? static_cast<T*>(at) : nullptr;
  }
};

/// One call on its way through the filters. On a client each attempt passes them, after the provider is chosen (docs/protocols/sofarpc.md, section
/// 4); of a call that streams its opening does, without arguments and result: `next` ends when messages can be sent.
struct Invocation {
  std::string_view service{};  ///< unique name
  std::string_view method{};
  std::span<const AnyRef> arguments{};   ///< a client's filter must not change them: they are encoded already
  AnyRef result{};                       ///< default until the call has succeeded; a filter that answers itself fills it
  Context* context = nullptr;            ///< on a server
  CallOptions* options = nullptr;        ///< on a client: baggage and headers put here are sent
  const io::Address* address = nullptr;  ///< who called, or who is called
};

class Filter;

/// The rest of the chain and the call itself.
class Next {
 public:
  using Last = Task<Result<void>> (*)(void* context, Invocation& call);
  Next(std::span<const std::shared_ptr<Filter>> rest, Last last, void* context) : rest_(rest), last_(last), context_(context) {}
  Task<Result<void>> operator()(Invocation& call) const;

 private:
  std::span<const std::shared_ptr<Filter>> rest_;
  Last last_;
  void* context_;
};

/// Shared by all shards of a server or client: an implementation with state guards it itself.
class Filter {
 public:
  virtual ~Filter() = default;
  /// An error ends the call with it, as if the service had returned it.
  virtual Task<Result<void>> invoke(Invocation& call, Next next) = 0;
  /// Filters of a lower order stand further outside; of equal ones the first that was added.
  virtual int order() const { return 0; }
  /// By which a service excludes it (ServiceOptions::without_filters).
  virtual std::string_view name() const { return {}; }
};

using Filters = std::vector<std::shared_ptr<Filter>>;

/// The same filters by their order.
Filters in_order(Filters filters);

namespace detail {

/// The values of a call as an Invocation shows them. Empty for a dynamic call, which has no shape.
struct InvocationValues {
  InvocationValues(const MethodShape* shape, const void* const* at, void* result_at);
  std::vector<AnyRef> arguments;
  AnyRef result;
};

}  // namespace detail

}  // namespace sofa::rpc
