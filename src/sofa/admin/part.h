#pragma once
// Part: what one module adds to the admin API. An operation is declared once, on described structs, with the permission that it needs; it is served
// as HTTP with JSON and as gRPC, and stands in the OpenAPI.
//
//   class UsersPart final : public admin::Part {
//     std::string_view name() const override { return "Users"; }
//     void add_to(admin::Routes& routes) override {
//       routes.get("GetUser", "/v1/users/{name}", "users:read", [this](FindUser asked) { return find(asked.name); }).doc("Finds a user.");
//       routes.post("AddUser", "/v1/users", "users:write", [this](NewUser user, const admin::Caller& caller) -> io::Task<Result<User>> { ... });
//       routes.get("Watch", "/v1/users/events", "users:read", [this](Nothing, admin::Stream<UserEvent>& out) -> io::Task<Result<void>> { ... });
//     }
//   };
//
// A handler is a lambda, const to call, of: a described struct (or nothing), a `const Caller&`, and for a stream a `Stream<E>&`, each where it is
// needed and in this order. It gives a described value, a Result of it, or a task; a stream gives io::Task<Result<void>>.
//
// The permission "" leaves an operation open to everybody who reaches the port: signing in, and nothing else.

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>

#include "sofa/admin/gate.h"
#include "sofa/base/description.h"
#include "sofa/base/json.h"
#include "sofa/rest/api.h"

namespace sofa::admin {

/// Who has asked for an operation, and is allowed to.
struct Caller {
  Principal principal{};
  io::Address peer{};
};

using rest::Nothing;

/// The events of an operation that goes on until its caller is gone. One send at a time; it waits while the caller does not take them.
template <class E>
class Stream {
 public:
  using Emit = std::function<io::Task<Result<void>>(std::string json)>;
  explicit Stream(const Emit& emit) : emit_(emit) {}
  io::Task<Result<void>> send(const E& event) {
    auto json = to_json(event);
    if (!json) co_return forward_error(json);
    co_return co_await emit_(std::move(*json));
  }

 private:
  const Emit& emit_;
};

/// One operation, with its types erased. What it returns of itself is set before the server starts.
class Operation {
 public:
  /// Fills the request's struct.
  using Fill = std::function<io::Task<Result<void>>(void* request)>;
  using Emit = std::function<io::Task<Result<void>>(std::string json)>;
  /// The response as JSON, empty for none; of a stream each event goes to `emit`.
  using Run = std::function<io::Task<Result<std::string>>(const Fill& fill, const Caller& caller, const Emit& emit)>;

  std::string part, name;  ///< "Users", "GetUser": of gRPC, and together the OpenAPI's operationId
  std::string method, pattern, permission;
  const Type* request;   ///< a described struct
  const Type* response;  ///< of each event, with `streams`; null: nothing
  bool streams;
  Run run;
  std::string about{};

  Operation& doc(std::string_view text) { return about = text, *this; }
};

namespace detail {

template <class T>
struct StreamOf : std::false_type {};
template <class E>
struct StreamOf<Stream<E>> : std::true_type {
  using Event = E;
};

/// The parameters of a handler: which of them is the request, and which the stream.
template <class F>
struct Shape : Shape<decltype(&F::operator())> {};
template <class C, class R, class... A>
struct Shape<R (C::*)(A...) const> {
  using Returned = R;
  using Arguments = std::tuple<std::remove_cvref_t<A>...>;
};

template <class Arguments>
struct RequestOf {
  using type = Nothing;
};
template <class First, class... Rest>
  requires(!std::is_same_v<First, Caller> && !StreamOf<First>::value)
struct RequestOf<std::tuple<First, Rest...>> {
  using type = First;
};
template <class Arguments>
struct EventOf {
  using type = void;
};
template <class... A>
  requires(sizeof...(A) > 0 && StreamOf<std::tuple_element_t<sizeof...(A) - 1, std::tuple<A...>>>::value)
struct EventOf<std::tuple<A...>> {
  using type = typename StreamOf<std::tuple_element_t<sizeof...(A) - 1, std::tuple<A...>>>::Event;
};

/// The argument of this type among what a call has.
template <class A, class Request, class Out>
decltype(auto) pick(Request& request, const Caller& caller, Out& out) {
  if constexpr (std::is_same_v<A, Caller>) {
    return static_cast<const Caller&>(caller);
  } else if constexpr (StreamOf<A>::value) {
    return static_cast<Out&>(out);
  } else {
    return std::move(request);
  }
}

template <class F, class Request, class Out, class... A>
auto call(const F& handler, Request& request, const Caller& caller, Out& out, std::type_identity<std::tuple<A...>>) {
  return handler(pick<A>(request, caller, out)...);
}

/// What a handler has returned, as Result<T> or Result<void>.
template <class Returned>
auto settled(Returned returned) -> io::Task<Result<typename rest::detail::Answer<Returned>::Value>> {
  if constexpr (rest::detail::Answer<Returned>::kTask) {
    co_return co_await std::move(returned);
  } else {
    co_return returned;
  }
}

template <class F>
io::Task<Result<std::string>> run(const F& handler, const Operation::Fill& fill, const Caller& caller, const Operation::Emit& emit) {
  using Arguments = typename Shape<F>::Arguments;
  using Event = typename EventOf<Arguments>::type;
  typename RequestOf<Arguments>::type request{};
  co_await io::or_return(co_await fill(&request));
  Stream<std::conditional_t<std::is_void_v<Event>, Nothing, Event>> out(emit);
  auto result = co_await settled(call(handler, request, caller, out, std::type_identity<Arguments>{}));
  if (!result) co_return forward_error(result);
  if constexpr (std::is_void_v<typename decltype(result)::value_type>) {
    co_return std::string();
  } else {
    co_return to_json(*result);
  }
}

}  // namespace detail

/// The operations of all parts.
class Routes {
 public:
  /// `name`: "GetUser"; `pattern`: a Router's, where fields of the request that it names come from; others from the query of GET and DELETE, and from
  /// the JSON body otherwise (rest/api.h). A name or a pattern that stands already ends the program with a sentence.
  template <class F>
  Operation& add(std::string_view method, std::string_view name, std::string_view pattern, std::string_view permission, F handler) {
    using Shape = detail::Shape<F>;
    using Event = typename detail::EventOf<typename Shape::Arguments>::type;
    using Value = typename rest::detail::Answer<typename Shape::Returned>::Value;
    const Type* response = nullptr;
    if constexpr (!std::is_void_v<Event>) {
      response = &type_of<Event>();
    } else if constexpr (!std::is_void_v<Value>) {
      response = &type_of<Value>();
    }
    const auto shared = std::make_shared<const F>(std::move(handler));
    return add(Operation{.part = part_,
                         .name = std::string(name),
                         .method = std::string(method),
                         .pattern = std::string(pattern),
                         .permission = std::string(permission),
                         .request = &type_of<typename detail::RequestOf<typename Shape::Arguments>::type>(),
                         .response = response,
                         .streams = !std::is_void_v<Event>,
                         .run = [shared](const Operation::Fill& fill, const Caller& caller, const Operation::Emit& emit) {
                           return detail::run(*shared, fill, caller, emit);
                         }});
  }
  template <class F>
  Operation& get(std::string_view name, std::string_view pattern, std::string_view permission, F handler) {
    return add("GET", name, pattern, permission, std::move(handler));
  }
  template <class F>
  Operation& post(std::string_view name, std::string_view pattern, std::string_view permission, F handler) {
    return add("POST", name, pattern, permission, std::move(handler));
  }
  template <class F>
  Operation& put(std::string_view name, std::string_view pattern, std::string_view permission, F handler) {
    return add("PUT", name, pattern, permission, std::move(handler));
  }
  template <class F>
  Operation& del(std::string_view name, std::string_view pattern, std::string_view permission, F handler) {
    return add("DELETE", name, pattern, permission, std::move(handler));
  }
  Operation& add(Operation operation) { return operations_.emplace_back(std::move(operation)); }

  const std::deque<Operation>& operations() const { return operations_; }
  /// What is added from now on is of this part.
  void begin(std::string_view part) { part_ = part; }

 private:
  std::string part_;
  std::deque<Operation> operations_;  // a deque: what is returned stays where it is
};

/// What a module adds. Outlives the server; its handlers run on the shard of the connection that asks.
class Part {
 public:
  virtual ~Part() = default;
  /// "Users": of its gRPC service, sofa.admin.v1.Users.
  virtual std::string_view name() const = 0;
  virtual void add_to(Routes& routes) = 0;
};

}  // namespace sofa::admin
