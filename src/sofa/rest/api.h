#pragma once
// Typed routes on described structs: what a request says becomes a struct, what a handler returns becomes JSON.
//
//   struct FindUser {
//     int64_t id = 0;
//     bool verbose = false;
//     static auto describe(Description<FindUser>& d) {
//       d.field("id", &FindUser::id).at_least(1).required();
//       d.field("verbose", &FindUser::verbose).doc("with what was deleted");
//     }
//   };
//
//   auto api = std::make_shared<rest::Api>(rest::About{.title = "Users", .version = "1"});
//   api->get("/users/{id}", [&](FindUser asked) -> Result<User> { ... }).doc("Finds a user.");
//   api->post("/users", [&](NewUser user) -> io::Task<Result<User>> { ... }).status(201);
//   api->get("/ticks", [&](Since since, rest::Events& out) -> io::Task<Result<void>> { ... });     // server-sent events
//   return rpc::serve(argc, argv, rpc::Server{}.port(8080).http(api));
//
// Where a field of the struct comes from. One that the pattern names: the path. Else, of GET and DELETE: the query, where a list may stand several
// times; of other methods: the body, a JSON object. Route::query and Route::header change that. One field stands in one place: the same name twice is
// an error, and so are parameters and fields that the struct does not have.
//
// Errors are application/problem+json (RFC 9457) with the status that fits their code: 400 names the field, what it takes and what was found. A
// handler that returns nothing answers 204. "/openapi.json" describes the routes (OpenAPI 3.1), "/docs" is a page to try them.

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/json.h"
#include "sofa/http/router.h"

namespace sofa::rest {

struct About {
  std::string title = "API";
  std::string version = "1";
  std::string doc{};
  size_t max_body = size_t{4} << 20;  ///< bytes of a request's body; over it 413
  bool describe = true;               ///< serve "/openapi.json" and "/docs"
};

enum class Place : uint8_t { path, query, header, body };

/// Where one field of a route's struct comes from, and its name there.
struct Parameter {
  const Field* field;
  Place place;
  std::string name;
};

/// One route, as its handler and the description see it. What it returns of itself is set before the port opens.
class Route {
 public:
  /// `request` is a described struct; `response` null: nothing is answered but a status.
  Route(std::string_view method, std::string_view pattern, const Type& request, const Type* response, bool events);

  Route& doc(std::string_view text) { return doc_ = text, *this; }
  /// Of success: 200, or 204 without a response.
  Route& status(int status) { return status_ = status, *this; }
  /// Takes the field from the query, or from a header field. A name that the struct does not have ends the program with a sentence.
  Route& query(std::string_view field) { return place(field, Place::query, field); }
  Route& header(std::string_view field, std::string_view name) { return place(field, Place::header, name); }
  /// The response, a text, is answered as text/plain.
  Route& plain_text();
  /// Skips members of the body that the struct does not have, and takes null for a field that cannot be empty as its default: what Java peers send.
  Route& lenient() { return lenient_ = true, *this; }
  /// The operationId of its description; empty: none.
  Route& name(std::string_view text) { return name_ = text, *this; }
  /// What a caller needs, for the description alone ("x-permission"); empty: none.
  Route& permission(std::string_view text) { return permission_ = text, *this; }

  const std::string& method() const { return method_; }
  const std::string& pattern() const { return pattern_; }
  const std::string& doc() const { return doc_; }
  const std::string& name() const { return name_; }
  const std::string& permission() const { return permission_; }
  int status() const { return status_; }
  bool events() const { return events_; }
  bool is_plain_text() const { return plain_text_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const Type* response() const { return response_; }
  /// Whether it reads the body of a request.
  bool has_body() const;

  /// Fills the struct. invalid_argument says which field is wrong, what it takes and what was found.
  io::Task<Result<void>> read(http::Exchange& exchange, http::Body& body, void* into, size_t max_body) const;
  /// Answers with the result, and further header fields; `value` is null for nothing.
  Result<void> answer(http::Exchange& exchange, const void* value, http::Headers fields = {}) const;

 private:
  Route& place(std::string_view field, Place place, std::string_view name);

  std::string method_, pattern_, doc_, name_, permission_;
  const Type& request_;
  const Type* response_;
  const bool events_;
  bool plain_text_ = false, lenient_ = false;
  int status_;
  std::vector<Parameter> parameters_;
};

/// Attached to an Error whose code does not say all: the status that it is answered with.
struct HttpStatus : ErrorDetail {
  explicit HttpStatus(int status) : status(status) {}
  const int status;
};

/// Answers with an error as application/problem+json.
Result<void> answer_error(http::Exchange& exchange, const Error& error, http::Headers fields = {});

/// Sends server-sent events (HTML standard, 9.2). One send at a time; it waits while the peer does not take them, and fails when it is gone.
class Events {
 public:
  Events(http::Exchange& exchange, http::Body& body) : exchange_(exchange), body_(body) {}
  /// The value as JSON; `name` is the event's type, empty: "message".
  template <class T>
  io::Task<Result<void>> send(const T& value, std::string_view name = {}) {
    return send_json(to_json(value), std::string(name));
  }
  /// The head of the answer, when nothing was sent yet; after it an error can only cut the stream.
  Result<void> open();
  bool is_open() const { return open_; }

 private:
  io::Task<Result<void>> send_json(Result<std::string> json, std::string name);
  http::Exchange& exchange_;
  http::Body& body_;
  bool open_ = false;
};

/// For handlers that need nothing of the request.
struct Nothing {
  static void describe(Description<Nothing>&) {}
};

namespace detail {

/// What a handler takes and returns.
template <class F>
struct HandlerTypes : HandlerTypes<decltype(&F::operator())> {};
template <class C, class R>
struct HandlerTypes<R (C::*)() const> {
  using Request = Nothing;
  using Returned = R;
  static constexpr bool kTakesRequest = false, kEvents = false;
};
template <class C, class R, class A>
struct HandlerTypes<R (C::*)(A) const> {
  using Request = std::remove_cvref_t<A>;
  using Returned = R;
  static constexpr bool kTakesRequest = true, kEvents = false;
};
template <class C, class R, class A>
struct HandlerTypes<R (C::*)(A, Events&) const> {
  using Request = std::remove_cvref_t<A>;
  using Returned = R;
  static constexpr bool kTakesRequest = true, kEvents = true;
};

/// The value inside Result and Task.
template <class T>
struct Answer {
  using Value = T;
  static constexpr bool kTask = false;
};
template <class T>
struct Answer<Result<T>> : Answer<T> {};
template <class T>
struct Answer<io::Task<T>> : Answer<T> {
  static constexpr bool kTask = true;
};

}  // namespace detail

/// The routes as one http::Handler. Handlers are const to call (lambdas), run on the shards of the connections, and live as long as the Api.
class Api final : public http::Handler {
 public:
  explicit Api(About about = {});

  // Before the port opens. The pattern is a Router's; one that is none, or stands already, ends the program with a sentence.
  template <class F>
  Route& add(std::string_view method, std::string_view pattern, F handler) {
    using Types = detail::HandlerTypes<F>;
    using Value = typename detail::Answer<typename Types::Returned>::Value;
    const Type* response = nullptr;
    if constexpr (!std::is_void_v<Value>) response = &type_of<Value>();
    const auto shared = std::make_shared<const F>(std::move(handler));
    return add_route(
        method, pattern, type_of<typename Types::Request>(), response,
        [this, shared](const Route& route, http::Exchange& exchange, http::Body& body) { return run(*this, route, *shared, exchange, body); },
        Types::kEvents);
  }
  /// One whose handler reads and answers by Route::read and Route::answer. The types live as long as the Api.
  using Serve = std::function<io::Task<Result<void>>(const Route& route, http::Exchange& exchange, http::Body& body)>;
  Route& add_route(std::string_view method, std::string_view pattern, const Type& request, const Type* response, Serve serve, bool events = false);
  template <class F>
  Route& get(std::string_view pattern, F handler) {
    return add("GET", pattern, std::move(handler));
  }
  template <class F>
  Route& post(std::string_view pattern, F handler) {
    return add("POST", pattern, std::move(handler));
  }
  template <class F>
  Route& put(std::string_view pattern, F handler) {
    return add("PUT", pattern, std::move(handler));
  }
  template <class F>
  Route& patch(std::string_view pattern, F handler) {
    return add("PATCH", pattern, std::move(handler));
  }
  template <class F>
  Route& del(std::string_view pattern, F handler) {
    return add("DELETE", pattern, std::move(handler));
  }

  const About& about() const { return about_; }
  const std::deque<Route>& routes() const { return routes_; }
  /// For what is no typed route: files, web sockets, a fallback.
  http::Router& router() { return router_; }

  void handle(http::ExchangePtr exchange) override { router_.handle(std::move(exchange)); }
  bool wants_body(const http::RequestHead& head) const override { return router_.wants_body(head); }
  /// Cancels the handlers of the current shard and waits for their end; before the Api goes.
  io::Task<void> stop_shard() { return router_.stop_shard(); }

 private:
  template <class F>
  static io::Task<Result<void>> run(const Api& api, const Route& route, const F& handler, http::Exchange& exchange, http::Body& body) {
    using Types = detail::HandlerTypes<F>;
    typename Types::Request request{};
    if (auto read = co_await route.read(exchange, body, &request, api.about_.max_body); !read) co_return answer_error(exchange, read.error());
    if constexpr (Types::kEvents) {
      Events events(exchange, body);
      auto done = co_await handler(std::move(request), events);
      if (!done && !events.is_open()) co_return answer_error(exchange, done.error());
      if (done) done = events.open();
      if (done) done = exchange.send_data({}, true);
      co_return done;
    } else {
      auto result = co_await call(handler, std::move(request));
      if (!result) co_return answer_error(exchange, result.error());
      if constexpr (std::is_void_v<typename decltype(result)::value_type>) {
        co_return route.answer(exchange, nullptr);
      } else {
        co_return route.answer(exchange, &*result);
      }
    }
  }

  template <class F, class Request>
  static auto call(const F& handler, Request request)
      -> io::Task<Result<typename detail::Answer<typename detail::HandlerTypes<F>::Returned>::Value>> {
    using Types = detail::HandlerTypes<F>;
    const auto invoke = [&] {
      if constexpr (Types::kTakesRequest) {
        return handler(std::move(request));
      } else {
        return handler();
      }
    };
    if constexpr (detail::Answer<typename Types::Returned>::kTask) {
      co_return co_await invoke();
    } else if constexpr (std::is_void_v<typename Types::Returned>) {
      invoke();
      co_return Result<void>();
    } else {
      co_return invoke();
    }
  }

  const About about_;
  std::deque<Route> routes_;  // a deque: handlers refer to them
  http::Router router_;
};

}  // namespace sofa::rest
