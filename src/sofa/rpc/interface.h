#pragma once
// A service is a struct with Methods, declared once for both sides:
//
//   struct Ledger : rpc::Interface {
//     static constexpr std::string_view kName = "bank.Ledger";                     // the Java interface name
//     rpc::Method<Receipt(Transfer)> transfer{this, "transfer", {.timeout = 800ms}};
//     rpc::Method<int64_t(std::string)> balance{this, "balance"};
//   };
//
// A server gives each method an implementation (server.h); a client calls them (client.h).
// Arguments and results are described types (sofa/base/description.h), or protobuf messages: then exactly one argument, and serializer 11.
// Overloads are several Methods with one wire name; they are told apart by the Java types of their arguments.

#include <concepts>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/rpc/context.h"
#include "sofa/rpc/detail/shape.h"
#include "sofa/rpc/exception.h"
#include "sofa/rpc/stages.h"

namespace sofa::rpc {

class Interface;

/// What a method's declaration says beside its types.
struct MethodOptions {
  Duration timeout{};            ///< of one attempt; zero: the client's
  std::optional<int> retries{};  ///< further attempts of a call; nothing: the client's
  /// The arguments' Java types where they are not what java_type_of gives, for example {"java.util.Collection"} for a std::vector.
  /// The texts must live for ever (literals).
  std::vector<std::string_view> java_types{};
  std::string_view proto_name{};               ///< the method's name in its .proto, the last part of its gRPC path; empty: the wire name
  std::vector<std::string_view> parameters{};  ///< the arguments' names, for the docs
  std::string_view doc{};                      ///< likewise
};

/// Which side of a method sends a stream of messages.
enum class MethodKind : uint8_t { unary, server_streaming, client_streaming, bidi_streaming };

namespace detail {

class ServerCall;
class Caller;
class StreamImplementation;  // streaming.h

/// A unary method's implementation, with its types erased.
class Implementation {
 public:
  explicit Implementation(bool coroutine) : is_coroutine(coroutine) {}
  virtual ~Implementation() = default;
  const bool is_coroutine;
  /// Answers the call here and now; only for plain functions.
  virtual void serve_now(ServerCall& call) = 0;
  /// Calls a plain function, on any thread.
  virtual Result<void> call_now(Context& context, void* const* arguments, void* result) = 0;
  virtual Task<Result<void>> invoke(Context& context, void* const* arguments, void* result) = 0;
};

/// What the typed part needs of the server's part (detail/bolt_call.cpp). The timer has begun, or measures nothing.
class ServerCall {
 public:
  explicit ServerCall(CallTimer timer) : timer_(std::move(timer)) {}
  /// Reads the arguments into default-made objects. False: the call is answered already, with an error.
  bool read_arguments(void* const* into);
  void answer(const void* result);
  void answer(Error error);
  virtual Context& context() = 0;
  CallTimer& timer() { return timer_; }

 protected:
  ~ServerCall() = default;

 private:
  // The protocol's part; what it answered: nothing for a result that was sent, else the code of the error that was sent in its place, or for which
  // nothing was.
  virtual bool read(void* const* into) = 0;
  virtual std::optional<Code> send(const void* result) = 0;
  virtual std::optional<Code> send(Error error) = 0;

  CallTimer timer_;
};

/// What calls need of their method. A Caller shares it, so that a call that keeps its Caller needs neither the Method nor the client.
struct MethodSpec {
  std::string_view name;
  MethodOptions options;
  const MethodShape& shape;  // lives for ever
  MethodKind kind = MethodKind::unary;
  std::string_view proto_name() const { return options.proto_name.empty() ? name : options.proto_name; }
  /// The Java types of the arguments as they stand on the wire.
  const std::vector<std::string_view>& signatures() const { return options.java_types.empty() ? shape.signatures : options.java_types; }
};

/// Where a call goes: taken from the Method when the call is made, kept by the call.
struct CallTarget {
  std::string_view method;
  std::shared_ptr<Caller> caller;    // null: not connected
  const MethodSpec* spec = nullptr;  // shared by the caller
};

Task<Result<void>> call(CallTarget target, std::span<const void* const> arguments, void* result, CallOptions options);
Task<Result<void>> call_oneway(CallTarget target, std::span<const void* const> arguments, CallOptions options);
/// Runs the task of a call on the client's shard; from any thread. The target is connected.
void start(const CallTarget& target, Task<void> task);
Result<void> check_connected(const CallTarget& target);
Result<void> check_may_block(const CallTarget& target);

/// Method without its types.
class MethodBase {
 public:
  std::string_view name() const { return spec_->name; }
  const MethodShape& shape() const { return spec_->shape; }
  const std::vector<std::string_view>& signatures() const { return spec_->signatures(); }
  const std::shared_ptr<const MethodSpec>& spec() const { return spec_; }
  MethodKind kind() const { return spec_->kind; }
  /// Null without one, and for a method that streams.
  Implementation* implementation() const { return implementation_.get(); }
  /// Null without one, and for a unary method.
  StreamImplementation* stream_implementation() const { return stream_implementation_.get(); }
  Interface& owner() const { return *owner_; }

  MethodBase(const MethodBase&) = delete;
  MethodBase& operator=(const MethodBase&) = delete;

 protected:
  MethodBase(Interface* owner, std::string_view name, MethodOptions options, const MethodShape& shape, MethodKind kind = MethodKind::unary);
  ~MethodBase() = default;

  CallTarget target() const;

  std::unique_ptr<Implementation> implementation_;
  std::shared_ptr<StreamImplementation> stream_implementation_;  // shared: its type is complete only where it is made

 private:
  Interface* owner_;
  const std::shared_ptr<const MethodSpec> spec_;
};

template <class T>
struct Unwrap {
  using Value = T;
  static constexpr bool kTask = false;
};
template <class T>
struct Unwrap<Result<T>> {
  using Value = T;
  static constexpr bool kTask = false;
};
template <class T>
struct Unwrap<Task<T>> {
  using Value = typename Unwrap<T>::Value;
  static constexpr bool kTask = true;
};

/// A handler may take the Context before the arguments.
template <class F, class... Args>
constexpr bool kTakesContext = std::invocable<F&, Context&, Args...>;

template <class F, class R, class... Args>
class ImplementationOf final : public Implementation {
 public:
  explicit ImplementationOf(F function) : Implementation(kCoroutine), function_(std::move(function)) {}

  void serve_now([[maybe_unused]] ServerCall& call) override {
    if constexpr (!kCoroutine) {
      std::tuple<Args...> arguments;
      serve_now(call, arguments, std::index_sequence_for<Args...>());
    }
  }
  Result<void> call_now([[maybe_unused]] Context& context, [[maybe_unused]] void* const* arguments, [[maybe_unused]] void* result) override {
    if constexpr (kCoroutine) {
      return fail(Code::internal, "a coroutine cannot be called as a function");
    } else {
      return call_now(context, arguments, result, std::index_sequence_for<Args...>());
    }
  }
  Task<Result<void>> invoke(Context& context, void* const* arguments, void* result) override {
    return invoke(*this, context, arguments, result, std::index_sequence_for<Args...>());
  }

 private:
  static auto apply(F& function, Context& context, Args&... arguments) {
    if constexpr (kTakesContext<F, Args...>) {
      return function(context, std::move(arguments)...);
    } else {
      return function(std::move(arguments)...);
    }
  }
  using Returned = decltype(apply(std::declval<F&>(), std::declval<Context&>(), std::declval<Args&>()...));
  using Value = typename Unwrap<Returned>::Value;
  static constexpr bool kCoroutine = Unwrap<Returned>::kTask;
  static_assert(std::is_void_v<R> ? std::is_void_v<Value> : std::is_convertible_v<Value, R>,
                "the implementation returns another type than the method: it must give R, Result<R> or Task<Result<R>>");

  template <size_t... I>
  void serve_now(ServerCall& call, std::tuple<Args...>& arguments, std::index_sequence<I...>) {
    void* const pointers[] = {&std::get<I>(arguments)..., nullptr};
    if (!call.read_arguments(pointers)) return;
    if constexpr (std::is_void_v<Returned>) {
      apply(function_, call.context(), std::get<I>(arguments)...);
      call.answer(nullptr);
    } else if constexpr (std::same_as<Returned, Result<Value>>) {
      auto result = apply(function_, call.context(), std::get<I>(arguments)...);
      if (!result) return call.answer(std::move(result.error()));
      if constexpr (std::is_void_v<R>) {
        call.answer(nullptr);
      } else {
        const R& value = *result;
        call.answer(&value);
      }
    } else {
      const R value = apply(function_, call.context(), std::get<I>(arguments)...);
      call.answer(&value);
    }
  }

  template <size_t... I>
  Result<void> call_now(Context& context, [[maybe_unused]] void* const* arguments, [[maybe_unused]] void* result, std::index_sequence<I...>) {
    if constexpr (std::is_void_v<Returned>) {
      apply(function_, context, *static_cast<Args*>(arguments[I])...);
      return {};
    } else {
      return store(apply(function_, context, *static_cast<Args*>(arguments[I])...), result);
    }
  }

  template <size_t... I>
  static Task<Result<void>> invoke(ImplementationOf& self, Context& context, [[maybe_unused]] void* const* arguments, [[maybe_unused]] void* result,
                                   std::index_sequence<I...>) {
    if constexpr (kCoroutine) {
      auto outcome = co_await apply(self.function_, context, *static_cast<Args*>(arguments[I])...);
      co_return store(std::move(outcome), result);
    } else {
      co_return self.call_now(context, arguments, result, std::index_sequence<I...>());
    }
  }
  template <class O>
  static Result<void> store(O outcome, [[maybe_unused]] void* result) {
    if constexpr (std::same_as<O, Result<Value>>) {
      if (!outcome) return forward_error(outcome);
      if constexpr (!std::is_void_v<R>) *static_cast<R*>(result) = std::move(*outcome);
    } else {
      *static_cast<R*>(result) = std::move(outcome);
    }
    return {};
  }

  F function_;
};

}  // namespace detail

template <class Signature>
class Method;

/// A member of an Interface; never copied or moved. On a client it is called from any shard (it hops to the client's) unless said otherwise.
///
/// A call shares what it uses: the client may be destroyed before the call ends, even before its task is first awaited. Calls that have not ended
/// then end with Code::cancelled and "the client was destroyed"; futures get that error, callbacks are still called with it, on the client's shard.
/// On a service that is not connected every kind of call is Code::failed_precondition.
template <class R, class... Args>
class Method<R(Args...)> : public detail::MethodBase {
  static_assert((std::same_as<Args, std::remove_cvref_t<Args>> && ...) && std::same_as<R, std::remove_cvref_t<R>>,
                "arguments and result of a Method are plain values: no const, no references");

 public:
  /// `name` must live for ever (a literal).
  Method(Interface* owner, std::string_view name, MethodOptions options = {})
      : MethodBase(owner, name, std::move(options), detail::shape_of<R, Args...>()) {}

  // --- server ---

  /// Implements the method by a function of the arguments, optionally with a `Context&` before them, that returns R, Result<R> (answered at once,
  /// the fast path) or Task<Result<R>>. It runs on the connection's shard.
  template <class F>
    requires(std::invocable<F&, Args...> || std::invocable<F&, Context&, Args...>)
  Method& operator=(F implementation) {
    implementation_ = std::make_unique<detail::ImplementationOf<F, R, Args...>>(std::move(implementation));
    return *this;
  }
  /// Implements it by a member function: `transfer.bind(this, &Book::transfer)`. `object` is a pointer, also a shared_ptr.
  template <class P, class F>
  Method& bind(P object, F member) {
    if constexpr (std::invocable<F, decltype(*object), Context&, Args...>) {
      return *this = [object = std::move(object), member](Context& context, Args... arguments) {
        return std::invoke(member, *object, context, std::move(arguments)...);
      };
    } else {
      return *this = [object = std::move(object), member](Args... arguments) { return std::invoke(member, *object, std::move(arguments)...); };
    }
  }

  // --- client ---

  /// Calls. Errors say "bank.Ledger.transfer at 127.0.0.1:12200, attempt 2 of 2: no answer within 800 ms"; a Java exception is a detail of the
  /// error (exception.h).
  Task<Result<R>> operator()(Args... arguments) const { return run(target(), CallOptions{}, std::move(arguments)...); }
  /// Sends the call and expects no answer; done when it is handed to a connection.
  Task<Result<void>> oneway(Args... arguments) const { return run_oneway(target(), CallOptions{}, std::move(arguments)...); }
  /// Blocks the thread until the answer is there. On a shard, which must not block, it is Code::failed_precondition.
  Result<R> sync(Args... arguments) const { return with({}).sync(std::move(arguments)...); }
  /// From any thread.
  std::future<Result<R>> future(Args... arguments) const { return with({}).future(std::move(arguments)...); }
  /// From any thread; `done(Result<R>)` is called on the client's shard (when there is no client: at once, on this thread).
  template <std::invocable<Result<R>> F>
  void callback(Args... arguments, F done) const {
    with({}).callback(std::move(arguments)..., std::move(done));
  }

  /// The same five kinds of call with options of their own: `transfer.with({.timeout = 50ms, .target = "10.0.0.7:12200"})(t)`.
  struct With {
    detail::CallTarget target;
    CallOptions options;

    Task<Result<R>> operator()(Args... arguments) const { return run(target, options, std::move(arguments)...); }
    Task<Result<void>> oneway(Args... arguments) const { return run_oneway(target, options, std::move(arguments)...); }
    std::future<Result<R>> future(Args... arguments) const {
      auto promise = std::make_shared<std::promise<Result<R>>>();
      auto future = promise->get_future();
      callback(std::move(arguments)..., [promise](Result<R> result) { promise->set_value(std::move(result)); });
      return future;
    }
    Result<R> sync(Args... arguments) const {
      if (auto may = detail::check_may_block(target); !may) return forward_error(may);
      return future(std::move(arguments)...).get();
    }
    template <std::invocable<Result<R>> F>
    void callback(Args... arguments, F done) const {
      if (auto connected = detail::check_connected(target); !connected) return std::invoke(done, Result<R>(forward_error(connected)));
      detail::start(target, finish(run(target, options, std::move(arguments)...), std::move(done)));
    }
  };
  With with(CallOptions options) const { return {target(), std::move(options)}; }

 private:
  static Task<Result<R>> run(detail::CallTarget target, CallOptions options, Args... arguments) {
    const void* const pointers[] = {&arguments..., nullptr};
    const std::span<const void* const> span(pointers, sizeof...(Args));
    if constexpr (std::is_void_v<R>) {
      co_return co_await detail::call(std::move(target), span, nullptr, std::move(options));
    } else {
      R result{};
      co_await or_return(detail::call(std::move(target), span, &result, std::move(options)));
      co_return result;
    }
  }
  static Task<Result<void>> run_oneway(detail::CallTarget target, CallOptions options, Args... arguments) {
    const void* const pointers[] = {&arguments..., nullptr};
    co_return co_await detail::call_oneway(std::move(target), std::span<const void* const>(pointers, sizeof...(Args)), std::move(options));
  }
  template <class F>
  static Task<void> finish(Task<Result<R>> call, F done) {
    done(co_await std::move(call));
  }
};

/// The base of every service declaration. On a server it holds the implementations, on a client the way to the providers. Not copied or moved,
/// because its methods point to it.
class Interface {
 public:
  Interface() = default;
  virtual ~Interface();
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  const std::vector<detail::MethodBase*>& methods() const { return methods_; }
  /// Set by connect(); null on a server.
  const std::shared_ptr<detail::Caller>& caller() const { return caller_; }
  void set_caller(std::shared_ptr<detail::Caller> caller);

 private:
  friend class detail::MethodBase;
  std::vector<detail::MethodBase*> methods_;
  std::shared_ptr<detail::Caller> caller_;
};

/// An Interface with `static constexpr std::string_view kName`.
template <class T>
concept ServiceInterface = std::derived_from<T, Interface> && requires {
  { T::kName } -> std::convertible_to<std::string_view>;
};

/// The name of the service in its .proto, the first part of its gRPC paths: T::kProtoName, or else T::kName.
template <ServiceInterface T>
constexpr std::string_view proto_name_of() {
  if constexpr (requires { T::kProtoName; }) {
    return T::kProtoName;
  } else {
    return T::kName;
  }
}

/// Which of several providers of one interface: part of the unique name "interface:version[:unique_id]" (docs/protocols/sofarpc.md, section 1).
struct ServiceId {
  std::string version = "1.0";
  std::string unique_id{};
};
std::string unique_name(std::string_view interface, const ServiceId& id);
/// The parts of a unique name; views of it. A name without version has an empty one.
struct UniqueNameParts {
  std::string_view interface, version, unique_id;
};
UniqueNameParts split_unique_name(std::string_view name);

}  // namespace sofa::rpc
