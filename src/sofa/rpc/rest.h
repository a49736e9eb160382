#pragma once
// REST routes of the methods of an Interface: one declaration serves Bolt, Triple, JSON and REST.
//
//   auto routes = std::make_shared<rpc::RestRoutes>(rest::About{.title = "Users", .version = "1"});
//   routes->post("/users", &Users::add).status(201).doc("Adds a user.");
//   routes->get("/users/{id}", &Users::find);
//   return rpc::serve(argc, argv, rpc::Server{}.port(12200).add(users).rest(routes));
//
// Where the arguments come from. One argument of a described struct: its fields, as rest/api.h says. Else each argument is a field with the name that
// MethodOptions::parameters gives it; one that is no optional is required. A route that cannot be made ends the program with a sentence.
//
// A request is a call as any other: filters and counters see it, on the service of its shard, with a Context whose header fields are those of
// the request. Errors are application/problem+json with the status that fits the code; of a Java exception, that of its class.

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "sofa/rest/api.h"
#include "sofa/rpc/interface.h"

namespace sofa::rpc {

namespace detail {

class ServiceTable;

/// What a route needs of its method, without its types.
struct RestMethod {
  std::string service;             // unique name
  std::string method, signatures;  // of the service table
  Type request;                    // read from the request
  StructInfo arguments{};          // the fields of `request`, when it is made of the arguments
  void* (*make)() = nullptr;       // a default request
  void (*destroy)(void*) = nullptr;
  void (*move_out)(void* request, void* const* into) = nullptr;  // to the arguments of a call
};

/// Signatures as the service table keys them.
std::string joined_signatures(const MethodBase& method);
/// Takes the names for the arguments; a method that does not declare them ends the program with a sentence.
void name_arguments(RestMethod& made, const MethodBase& method, std::span<const size_t> offsets, std::span<const Type& (*const)()> types);

template <class... Args>
struct RestArguments {
  using Request = std::tuple<Args...>;

  static void describe(RestMethod& made, const MethodBase& method) {
    static constexpr std::array<const Type& (*)(), sizeof...(Args)> kTypes{&type_of<Args>...};
    const Request sample{};
    const auto offset_of = [&sample](const auto& element) {
      return static_cast<size_t>(reinterpret_cast<const char*>(&element) - reinterpret_cast<const char*>(&sample));
    };
    const auto offsets = std::apply([&](const auto&... element) { return std::array<size_t, sizeof...(Args)>{offset_of(element)...}; }, sample);
    name_arguments(made, method, offsets, kTypes);
  }
  static void move_out(void* request, void* const* into) {
    [&]<size_t... I>(std::index_sequence<I...>) {
      ((*static_cast<Args*>(into[I]) = std::move(std::get<I>(*static_cast<Request*>(request)))), ...);
    }(std::index_sequence_for<Args...>());
  }
};

/// A single described struct stands for itself.
template <class T>
  requires(std::is_class_v<T> && (DescribedByMember<T> || DescribedByFunction<T>))
struct RestArguments<T> {
  using Request = T;
  static void describe(RestMethod& made, const MethodBase&) { made.request = type_of<T>(); }
  static void move_out(void* request, void* const* into) { *static_cast<T*>(into[0]) = std::move(*static_cast<T*>(request)); }
};

}  // namespace detail

class RestRoutes {
 public:
  explicit RestRoutes(rest::About about = {});

  // Before the port opens. `id` says which provider of the interface answers.
  template <ServiceInterface T, class R, class... Args>
  rest::Route& add(std::string_view http_method, std::string_view pattern, Method<R(Args...)> T::* method, const ServiceId& id = {}) {
    static_assert((!ProtobufMessage<Args> && ...), "methods of protobuf messages have JSON at their gRPC paths; REST takes described types");
    using Arguments = detail::RestArguments<Args...>;
    using Request = typename Arguments::Request;
    static const T declaration;
    const detail::MethodBase& declared = declaration.*method;
    auto made = std::make_shared<detail::RestMethod>();
    made->service = unique_name(T::kName, id);
    made->method = declared.name();
    made->signatures = detail::joined_signatures(declared);
    Arguments::describe(*made, declared);
    made->make = []() -> void* { return new Request(); };
    made->destroy = [](void* request) { delete static_cast<Request*>(request); };
    made->move_out = &Arguments::move_out;
    const Type* response = nullptr;
    if constexpr (!std::is_void_v<R>) response = &type_of<R>();
    rest::Route& route = add_route(http_method, pattern, std::move(made), response);
    return route.doc(declared.spec()->options.doc);
  }
  template <class M>
  rest::Route& get(std::string_view pattern, M method, const ServiceId& id = {}) {
    return add("GET", pattern, method, id);
  }
  template <class M>
  rest::Route& post(std::string_view pattern, M method, const ServiceId& id = {}) {
    return add("POST", pattern, method, id);
  }
  template <class M>
  rest::Route& put(std::string_view pattern, M method, const ServiceId& id = {}) {
    return add("PUT", pattern, method, id);
  }
  template <class M>
  rest::Route& patch(std::string_view pattern, M method, const ServiceId& id = {}) {
    return add("PATCH", pattern, method, id);
  }
  template <class M>
  rest::Route& del(std::string_view pattern, M method, const ServiceId& id = {}) {
    return add("DELETE", pattern, method, id);
  }

  /// For routes of its own, and for what is no typed route.
  rest::Api& api() { return *api_; }
  const std::shared_ptr<rest::Api>& shared_api() const { return api_; }

  // Of servers; several may have the same routes. A request is a call of the server that it came to.
  /// Of one that starts. An error for a route whose service or method it does not have.
  Result<void> join(const detail::ServiceTable& services);
  /// Of one that has joined and stops; whether it was the last one.
  bool leave() { return --servers_ == 0; }

 private:
  rest::Route& add_route(std::string_view http_method, std::string_view pattern, std::shared_ptr<detail::RestMethod> method, const Type* response);
  Task<Result<void>> serve(const detail::RestMethod& method, const rest::Route& route, http::Exchange& exchange, http::Body& body);

  const std::shared_ptr<rest::Api> api_;
  std::vector<std::shared_ptr<detail::RestMethod>> methods_;
  std::atomic<int> servers_{0};
};

}  // namespace sofa::rpc
