#include "sofa/admin/detail/watch.h"

#include <algorithm>

#include "sofa/admin/attach.h"
#include "sofa/admin/detail/passed_on.h"
#include "sofa/base/json_check.h"
#include "sofa/base/json_object.h"
#include "sofa/base/text.h"
#include "sofa/http/in_process.h"
#include "sofa/http/query.h"
#include "sofa/http/router.h"
#include "sofa/io/shard.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/rest/api.h"

namespace sofa::admin::detail {

namespace {

constexpr std::string_view kApi = "/v1/";
constexpr std::string_view kItself = "/v1/events";

int64_t ms(Duration time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); }

Result<Duration> read_period(std::string_view text, const WatchOptions& options) {
  const auto number = whole_number<int64_t>(text);
  const int64_t least = ms(options.shortest_period), most = ms(options.longest_period);
  if (!number || *number < least || *number > most) {
    return fail(Code::invalid_argument, "period_ms is '{}' and takes a number from {} to {}", text, least, most);
  }
  return std::chrono::milliseconds(*number);
}

Result<void> check_path(std::string_view path) {
  if (!path.starts_with(kApi)) return fail(Code::invalid_argument, "watch takes paths of this API, which begin with {}, not '{}'", kApi, path);
  const auto plain = http::percent_decode(path.substr(0, path.find('?')));  // as the router reads it
  if (!plain) return fail(Code::invalid_argument, "watch takes a path, and in '{}' a '%' is not followed by two hexadecimal digits", path);
  if (plain->ends_with(kItself)) return fail(Code::invalid_argument, "a stream of events cannot watch {}, its own or a process's", kItself);
  return {};
}

/// A body as a value of JSON: what is none is a text. It stands in one line, as an event needs it: JSON has line breaks only where blanks may be.
std::string value_of(std::string_view body, std::string_view content_type) {
  if (body.empty()) return "null";
  if (content_type.find("json") == std::string_view::npos || !check_json(body)) return json_quoted(body);
  std::string line(body);
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

/// As rest::answer_error would say it.
std::string problem_of(int status, const Error& error) {
  return JsonObject().add_number("status", status).add_quoted("code", to_string(error.code())).add_quoted("detail", error.to_string()).text();
}

std::string event_of(std::string_view path, int status, std::string_view value) {
  return fmt::format("data: {}\n\n", JsonObject().add_quoted("path", path).add_number("status", status).add("body", value).text());
}

}  // namespace

struct Watch::Asked {
  std::vector<std::string> paths{};
  Duration period = std::chrono::seconds(1);
};

/// The stream of one caller. Its tasks are one for each path, all on one shard.
struct Watch::Listener {
  http::Exchange& exchange;
  http::Body& body;
  const Caller& caller;
  const Duration period;
  io::Mutex sending{};
};

Result<Watch::Asked> Watch::read(const http::Exchange& exchange) const {
  auto query = http::parse_query(exchange.request().query());
  if (!query) return forward_error(query);
  Asked asked;
  for (auto& [name, value] : *query) {
    if (name == "period_ms") {
      auto period = read_period(value, options_);
      if (!period) return forward_error(period);
      asked.period = *period;
    } else if (name == "watch") {
      if (auto fits = check_path(value); !fits) return forward_error(fits);
      if (std::ranges::find(asked.paths, value) == asked.paths.end()) asked.paths.push_back(std::move(value));
    } else {
      return fail(Code::invalid_argument, "'{}' is no parameter here: it takes watch=PATH, several times, and period_ms", name);
    }
  }
  if (asked.paths.empty()) return fail(Code::invalid_argument, "watch is missing: name a path of this API, as in {}?watch=/v1/processes", kItself);
  if (asked.paths.size() > options_.most_paths) {
    return fail(Code::invalid_argument, "{} paths are to be watched, and {} may be in one stream", asked.paths.size(), options_.most_paths);
  }
  return asked;
}

io::Task<Result<void>> Watch::serve(http::Exchange& exchange, http::Body& body, const Caller& caller) {
  auto asked = read(exchange);
  if (!asked) co_return rest::answer_error(exchange, asked.error());
  const Places::Place place(streams_);
  if (auto given = place.given(); !given) co_return rest::answer_error(exchange, given.error());
  co_await io::or_return(exchange.send_response(200, {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}}));
  Listener listener{.exchange = exchange, .body = body, .caller = caller, .period = asked->period};
  std::vector<io::Task<Result<std::monostate>>> following;
  for (std::string& path : asked->paths) following.push_back(follow(listener, std::move(path)));
  co_return forward_error(co_await io::when_all(std::move(following)));
}

/// Its end is an error: the caller is gone, or nobody any more.
io::Task<Result<std::monostate>> Watch::follow(Listener& listener, std::string path) {
  const Proof proof = listener.caller.principal.proof;
  const bool may_end = proof == Proof::session || proof == Proof::token || proof == Proof::certificate;
  for (std::optional<size_t> last;;) {
    const Instant begun = io::Shard::current().now();
    if (may_end && !gate_.identify_at_once(credentials_of(listener.exchange))) {
      co_return fail(Code::unauthenticated, "{} has signed out, or is not known any more", listener.caller.principal.name);
    }
    const std::string event = co_await io::or_return(co_await look(listener, path));
    if (const size_t sum = std::hash<std::string_view>()(event); sum != last) {  // the sum alone is kept: answers may be long
      const auto alone = co_await io::or_return(co_await listener.sending.lock());
      co_await io::or_return(co_await listener.body.write(Bytes::copy_of(event)));
      last = sum;
    }
    co_await io::or_return(co_await io::sleep_until(begun + listener.period));
  }
}

/// The event that tells the answer; an error only when the listener is gone.
io::Task<Result<std::string>> Watch::look(const Listener& listener, const std::string& path) {
  const Principal& who = listener.caller.principal;
  http::InProcessRequest request{.head = {.target = path}, .principal = who.name, .most = options_.most_answer};
  co_await io::or_return(speak_for(who, gate_, request.head.headers));
  request.head.headers.set(kReadOnlyHeader, "1");  // it watches, and changes nothing
  auto answer = co_await io::with_timeout(options_.timeout, http::ask_in_process(routes_, std::move(request)));
  if (answer) co_return event_of(path, answer->head.status, value_of(answer->body.text(), answer->head.headers.get_or("content-type")));
  if (answer.error().code() == Code::cancelled) co_return forward_error(answer);
  const int status = http::status_of(answer.error().code());
  co_return event_of(path, status, problem_of(status, answer.error()));
}

}  // namespace sofa::admin::detail
