#pragma once
// Router: finds the handler of a request by its method and path.
//
//   http::Router router;
//   router.get("/users/{id}", users);                                        // any http::Handler
//   router.get("/time", [](http::ExchangePtr exchange) { ... });             // a function: answers now, or keeps the exchange
//   router.post("/upload/{path...}", [](http::Exchange& exchange, http::Body& body) -> io::Task<Result<void>> { ... });
//
// Paths. A pattern is a path of literal segments, "{name}" (one segment, not empty) and, as the last one, "{name...}" (all the rest, also nothing).
// A literal goes before "{name}", that before "{name...}"; where the better pattern has no handler for the method, the next one that has is taken.
// The path is split at '/', then each segment is percent-decoded: "%2F" never splits.
// Refused with 400: a broken "%", a decoded zero byte, segments "." and "..", and an encoded '/' inside a rest. "//" and a '/' at the end are told
// apart from the path without.
//
// Methods. "*" takes every method. HEAD is answered from GET without its body, OPTIONS with Allow, unless they have handlers of their own. A known
// path with another method gives 405 with Allow, an unknown path 404 or the fallback.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/http/body.h"
#include "sofa/io/task.h"
#include "sofa/io/task_group.h"

namespace sofa::http {

class Router final : public Handler {
 public:
  using Function = std::function<void(ExchangePtr exchange)>;
  /// Both live until the task ends. An error before the head is answered with the status that fits its code and its message; later it resets
  /// the exchange. The task's scope is cancelled when the peer is gone, and by stop_shard().
  using Coroutine = std::function<io::Task<Result<void>>(Exchange& exchange, Body& body)>;

  Router();
  ~Router() override;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Before the port opens. A pattern that is none, or that stands already, ends the program with a sentence: it is a fault of the code.
  void add(std::string_view method, std::string_view pattern, Handler& handler);
  void add(std::string_view method, std::string_view pattern, Function function);
  void add(std::string_view method, std::string_view pattern, Coroutine coroutine);
  template <class H>
  void get(std::string_view pattern, H&& handler) {
    add("GET", pattern, std::forward<H>(handler));
  }
  template <class H>
  void post(std::string_view pattern, H&& handler) {
    add("POST", pattern, std::forward<H>(handler));
  }
  /// Gets what no pattern matches, instead of 404.
  void set_fallback(Handler& handler) { fallback_ = &handler; }
  /// Answers 400, 404 and 405 in place of a plain text.
  using Refuse = void (*)(Exchange& exchange, int status, std::string_view sentence, Headers headers);
  void set_refuse(Refuse refuse) { refuse_ = refuse; }

  struct Route {
    std::string method, pattern;
  };
  /// All that was added, by path; without the fallback.
  std::vector<Route> routes() const;

  void handle(ExchangePtr exchange) override;
  bool wants_body(const RequestHead& head) const override;
  /// Cancels the coroutines of the current shard and waits for their end; before the router goes, where there are any.
  io::Task<void> stop_shard();

 private:
  class Tree;
  struct Found;
  class RunningTasks;

  Found find(const RequestHead& head) const;
  Handler& own(std::unique_ptr<Handler> handler);

  std::unique_ptr<Tree> tree_;
  std::vector<std::unique_ptr<Handler>> owned_;
  Handler* fallback_ = nullptr;
  Refuse refuse_;
  std::unique_ptr<RunningTasks> running_;
};

/// The HTTP status that fits an error's code, as gRPC's transcoding has it (invalid_argument 400, not_found 404, unavailable 503, ...).
int status_of(Code code);

/// Percent-decodes a segment of a path, or a part of a query (`plus_is_space`). Nothing when a '%' is not followed by two hex digits, or a zero byte
/// comes out.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// The value of the first parameter of that name in "a=1&b=2", decoded; nothing when it is absent or broken.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

}  // namespace sofa::http
