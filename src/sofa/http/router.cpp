#include "sofa/http/router.h"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <array>
#include <mutex>

#include "sofa/base/recycled.h"
#include "sofa/base/text.h"
#include "sofa/http/detail/text.h"
#include "sofa/http/filter.h"
#include "sofa/http/server_options.h"
#include "sofa/io/runtime.h"

namespace sofa::http {

namespace {

using Segments = boost::container::small_vector<std::string_view, 8>;

Segments split(std::string_view path) {
  Segments segments;
  for (size_t at = 1; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    segments.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return segments;
}

[[noreturn]] void bad_pattern(std::string_view pattern, std::string_view why) {
  fmt::print(stderr, "the route '{}' cannot be added: {}\n", pattern, why);
  std::abort();
}

/// Answers HEAD from what answers GET: the body does not leave.
class BodylessExchange final : public ExchangeFilter {
 public:
  using ExchangeFilter::ExchangeFilter;
  Result<void> send_response(int status, const Headers& headers, bool end) override {
    if (status < 200) return inner().send_response(status, headers, end);
    return inner().send_response(status, headers, true);
  }
  Result<void> send_data(Bytes, bool) override { return {}; }
  Result<void> send_trailers(const Headers&) override { return {}; }
};

void refuse_as_text(Exchange& exchange, int status, std::string_view sentence, Headers headers) {
  [[maybe_unused]] const auto sent = respond_text(exchange, status, sentence, std::move(headers));
}

class FunctionHandler final : public Handler {
 public:
  explicit FunctionHandler(Router::Function function) : function_(std::move(function)) {}
  void handle(ExchangePtr exchange) override { function_(std::move(exchange)); }

 private:
  Router::Function function_;
};

}  // namespace

/// The routes by segment.
class Router::Tree {
 public:
  struct Methods {
    std::string pattern;
    std::vector<std::string> names;  // of its parameters, in order
    std::map<std::string, Handler*, std::less<>> handlers;

    Handler* find(std::string_view method) const {
      auto at = handlers.find(method);
      if (at == handlers.end()) at = handlers.find("*");
      return at == handlers.end() ? nullptr : at->second;
    }
    /// Also by what a GET answers for HEAD.
    bool serves(std::string_view method) const { return find(method) != nullptr || (method == "HEAD" && find("GET") != nullptr); }
    bool takes_rest() const { return pattern.ends_with("...}"); }
    std::string allow() const {
      std::string list = handlers.contains("GET") && !handlers.contains("HEAD") ? "HEAD, " : "";
      for (const auto& [method, handler] : handlers) list += method + ", ";
      return handlers.contains("OPTIONS") ? list.substr(0, list.size() - 2) : list + "OPTIONS";
    }
  };
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> parameter;
    std::unique_ptr<Methods> here;
    std::unique_ptr<Methods> rest;
  };

  void add(std::string_view method, std::string_view pattern, Handler& handler) {
    if (!pattern.starts_with('/')) bad_pattern(pattern, "it begins with no '/'");
    std::vector<std::string> names;
    Node* node = &root_;
    std::unique_ptr<Methods>* methods = nullptr;
    for (const std::string_view segment : split(pattern)) {
      if (methods != nullptr) bad_pattern(pattern, "'{name...}' takes the rest, so nothing can follow it");
      if (!segment.starts_with('{')) {
        node = child(node->literals[std::string(segment)]);
        continue;
      }
      if (!segment.ends_with('}') || segment.size() < 3) bad_pattern(pattern, "a parameter is written as {name} or {name...}");
      const bool rest = segment.ends_with("...}");
      names.emplace_back(segment.substr(1, segment.size() - (rest ? 5 : 2)));
      if (rest) {
        methods = &node->rest;
      } else {
        node = child(node->parameter);
      }
    }
    if (methods == nullptr) methods = &node->here;
    if (*methods == nullptr) *methods = std::make_unique<Methods>(Methods{std::string(pattern), names, {}});
    if ((*methods)->names != names) bad_pattern(pattern, fmt::format("'{}' has other names for the same parameters", (*methods)->pattern));
    if (!(*methods)->handlers.emplace(method, &handler).second) bad_pattern(pattern, fmt::format("its method {} has a handler already", method));
  }

  void list(std::vector<Route>& all) const { list_below(root_, all); }

  /// The methods of the path's decoded segments, and the values of its parameters in order: those of the best pattern that serves the method, or
  /// when none does of the best.
  const Methods* find(const Segments& path, std::string_view method, std::vector<std::string>& values) const {
    if (const Methods* found = find_below(root_, path, 0, method, values)) return found;
    return find_below(root_, path, 0, {}, values);
  }

 private:
  static void list_below(const Node& node, std::vector<Route>& all) {
    for (const auto* const methods : {&node.here, &node.rest}) {
      if (*methods == nullptr) continue;
      for (const auto& [method, handler] : (*methods)->handlers) all.push_back({method, (*methods)->pattern});
    }
    for (const auto& [segment, below] : node.literals) list_below(*below, all);
    if (node.parameter != nullptr) list_below(*node.parameter, all);
  }

  /// `method`: what it must serve; empty: any.
  static bool fits(const std::unique_ptr<Methods>& methods, std::string_view method) {
    return methods != nullptr && (method.empty() || methods->serves(method));
  }
  static Node* child(std::unique_ptr<Node>& place) {
    if (place == nullptr) place = std::make_unique<Node>();
    return place.get();
  }

  static const Methods* find_below(const Node& node, const Segments& path, size_t at, std::string_view method, std::vector<std::string>& values) {
    if (at == path.size()) return fits(node.here, method) ? node.here.get() : nullptr;
    if (const auto literal = node.literals.find(path[at]); literal != node.literals.end()) {
      if (const Methods* found = find_below(*literal->second, path, at + 1, method, values)) return found;
    }
    if (node.parameter != nullptr && !path[at].empty()) {
      values.emplace_back(path[at]);
      if (const Methods* found = find_below(*node.parameter, path, at + 1, method, values)) return found;
      values.pop_back();
    }
    if (!fits(node.rest, method)) return nullptr;
    std::string rest(path[at]);
    for (size_t i = at + 1; i < path.size(); ++i) rest.append("/").append(path[i]);
    values.push_back(std::move(rest));
    return node.rest.get();
  }

  Node root_;
};

struct Router::Found {
  const char* malformed = nullptr;  // why the path is none
  const Tree::Methods* methods = nullptr;
  std::vector<std::string> values;
};

/// The coroutines, by shard: each group is made, used and joined on its own shard.
class Router::RunningTasks {
 public:
  io::TaskGroup& here() {
    const std::lock_guard lock(mutex_);
    auto& group = groups_[&io::Shard::current()];
    if (group == nullptr) group = std::make_unique<io::TaskGroup>();
    return *group;
  }
  std::unique_ptr<io::TaskGroup> take() {
    const std::lock_guard lock(mutex_);
    const auto at = groups_.find(&io::Shard::current());
    if (at == groups_.end()) return nullptr;
    auto group = std::move(at->second);
    groups_.erase(at);
    return group;
  }

 private:
  std::mutex mutex_;
  std::map<io::Shard*, std::unique_ptr<io::TaskGroup>> groups_;
};

namespace {

class CoroutineHandler final : public Handler {
 public:
  CoroutineHandler(Router::Coroutine coroutine, std::function<io::TaskGroup&()> tasks) : coroutine_(std::move(coroutine)), tasks_(std::move(tasks)) {}
  void handle(ExchangePtr exchange) override { tasks_().spawn("http handler", run(std::make_unique<Running>(std::move(exchange)))); }

 private:
  // The body takes what comes before the task runs.
  struct Running : Recycled {
    explicit Running(ExchangePtr given) : exchange(std::move(given)), body(*exchange) {}
    ExchangePtr exchange;
    Body body;
  };

  io::Task<void> run(std::unique_ptr<Running> given) {
    io::Scope scope(&co_await io::current_scope());
    const std::unique_ptr<Running> running = std::move(given);
    Exchange& exchange = *running->exchange;
    running->body.cancel_when_gone(scope);
    if (const io::ScopeContext* work = exchange.context().work) scope.set_context(work);
    const auto done = co_await coroutine_(exchange, running->body).in(scope);
    if (done) co_return;
    const Error& error = done.error();
    if (!respond_text(exchange, status_of(error.code()), error.to_string())) exchange.reset(Reset::internal_error);
  }

  Router::Coroutine coroutine_;
  std::function<io::TaskGroup&()> tasks_;
};

}  // namespace

Router::Router() : tree_(std::make_unique<Tree>()), refuse_(refuse_as_text), running_(std::make_unique<RunningTasks>()) {}
Router::~Router() = default;

std::vector<Router::Route> Router::routes() const {
  std::vector<Route> all;
  tree_->list(all);
  return all;
}

Handler& Router::own(std::unique_ptr<Handler> handler) { return *owned_.emplace_back(std::move(handler)); }

void Router::add(std::string_view method, std::string_view pattern, Handler& handler) { tree_->add(method, pattern, handler); }
void Router::add(std::string_view method, std::string_view pattern, Function function) {
  add(method, pattern, own(std::make_unique<FunctionHandler>(std::move(function))));
}
void Router::add(std::string_view method, std::string_view pattern, Coroutine coroutine) {
  add(method, pattern, own(std::make_unique<CoroutineHandler>(std::move(coroutine), [this]() -> io::TaskGroup& { return running_->here(); })));
}

io::Task<void> Router::stop_shard() {
  const std::unique_ptr<io::TaskGroup> group = running_->take();
  if (group == nullptr) co_return;
  group->cancel("the router stops");
  [[maybe_unused]] const auto joined = co_await group->join();
}

Router::Found Router::find(const RequestHead& head) const {
  const auto malformed = [](const char* why) { return Found{.malformed = why, .methods = nullptr, .values = {}}; };
  if (head.path().contains('\0')) return malformed("it has a zero byte");
  Segments path = split(head.path());
  std::string decoded;  // of the segments that need it; never moves
  bool has_slash = false;
  for (std::string_view& segment : path) {
    if (segment.contains('%')) {
      const auto text = percent_decode(segment);
      if (!text) return malformed("a '%' in it is not followed by two hex digits, or is a zero byte");
      has_slash = has_slash || text->contains('/');
      decoded.reserve(head.target.size());
      segment = std::string_view(decoded.append(*text)).substr(decoded.size() - text->size());
    }
    if (segment == "." || segment == "..") return malformed("it has a segment '.' or '..'");
  }
  Found found;
  found.methods = tree_->find(path, head.method, found.values);
  if (found.methods != nullptr && found.methods->takes_rest() && has_slash) return malformed("it has an encoded '/' where a path is taken");
  return found;
}

bool Router::wants_body(const RequestHead& head) const {
  const Found found = find(head);
  if (found.methods == nullptr) return fallback_ != nullptr && found.malformed == nullptr && fallback_->wants_body(head);
  const Handler* handler = found.methods->find(head.method);
  return handler != nullptr && handler->wants_body(head);
}

void Router::handle(ExchangePtr exchange) {
  const RequestHead& head = exchange->request();
  if (is_about_server(head)) return answer_about_server(*exchange);
  Found found = find(head);
  if (found.malformed != nullptr) return refuse_(*exchange, 400, fmt::format("the path '{}' is malformed: {}", head.path(), found.malformed), {});
  if (found.methods == nullptr) {
    if (fallback_ != nullptr) return fallback_->handle(std::move(exchange));
    return refuse_(*exchange, 404, fmt::format("nothing is at '{}'", head.path()), {});
  }
  const Tree::Methods& methods = *found.methods;
  RequestContext& context = exchange->context();
  context.route = methods.pattern;
  for (size_t i = 0; i < found.values.size(); ++i) context.parameters.add(methods.names[i], std::move(found.values[i]));
  if (Handler* handler = methods.find(head.method)) return handler->handle(std::move(exchange));
  if (Handler* handler = methods.find("GET"); handler != nullptr && head.method == "HEAD") {
    return handler->handle(std::make_unique<BodylessExchange>(std::move(exchange)));
  }
  if (head.method == "OPTIONS") {
    [[maybe_unused]] const auto sent = exchange->send_response(204, {{"allow", methods.allow()}}, true);
    return;
  }
  refuse_(*exchange, 405, fmt::format("'{}' takes no {}: use {}", methods.pattern, head.method, methods.allow()), {{"allow", methods.allow()}});
}

int status_of(Code code) {
  switch (code) {
    case Code::cancelled:
      return 499;
    case Code::invalid_argument:
    case Code::failed_precondition:
    case Code::out_of_range:
      return 400;
    case Code::deadline_exceeded:
      return 504;
    case Code::not_found:
      return 404;
    case Code::already_exists:
    case Code::aborted:
      return 409;
    case Code::permission_denied:
      return 403;
    case Code::unauthenticated:
      return 401;
    case Code::resource_exhausted:
      return 429;
    case Code::unimplemented:
      return 501;
    case Code::unavailable:
      return 503;
    case Code::unknown:
    case Code::internal:
    case Code::data_loss:
      break;
  }
  return 500;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out(text.size(), '\0');
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    out[size++] = c;
  }
  out.resize(size);
  return out;
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  bool seen = false;
  detail::for_each_item(
      query,
      [&](std::string_view item) {
        const size_t equals = std::min(item.find('='), item.size());
        if (seen || percent_decode(item.substr(0, equals), true) != name) return;
        seen = true;
        found = percent_decode(equals < item.size() ? item.substr(equals + 1) : std::string_view{}, true);
      },
      '&');
  return found;
}

}  // namespace sofa::http
