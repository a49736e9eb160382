#include "sofa/boot/services_part.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "sofa/base/json_text.h"
#include "sofa/base/log.h"
#include "sofa/base/unix_time.h"
#include "sofa/boot/detail/form_schema.h"
#include "sofa/boot/detail/published.h"
#include "sofa/rpc/inspector.h"

namespace sofa::boot {

namespace {

constexpr std::string_view kRead = "services:read";
constexpr size_t kMostColumns = 60;  // of the latency map
constexpr uint32_t kMostCalls = 1'000;

int64_t us(Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }
int64_t us(uint64_t ns) { return static_cast<int64_t>(ns / 1000); }

int64_t ms_of(Instant at) { return unix_ms(io::Shard::current().clock(), at); }

/// What a service and a method have in common.
struct RatesRow {
  int64_t calls_total = 0, errors_total = 0;
  double calls_per_second = 0, errors_per_second = 0;
  int64_t p50_us = 0, p99_us = 0;
  std::vector<double> history{};
  static void describe(Description<RatesRow>& d) {
    d.field("calls_total", &RatesRow::calls_total).doc("since the start");
    d.field("errors_total", &RatesRow::errors_total);
    d.field("calls_per_second", &RatesRow::calls_per_second).doc("over the last 10 seconds, as the next three");
    d.field("errors_per_second", &RatesRow::errors_per_second);
    d.field("p50_us", &RatesRow::p50_us).unit("us").doc("within 6 %; 0: there were no calls");
    d.field("p99_us", &RatesRow::p99_us).unit("us");
    d.field("history", &RatesRow::history).doc("calls a second, one value a second, the last 60, oldest first");
  }
};

struct ServiceRow : RatesRow {
  std::string name{}, unique_id{};
  std::vector<std::string> protocols{};
  int64_t methods = 0;
  static void describe(Description<ServiceRow>& d) {
    d.java_type("sofa.Service");
    d.field("name", &ServiceRow::name);
    d.field("unique_id", &ServiceRow::unique_id);
    d.field("protocols", &ServiceRow::protocols);
    d.field("methods", &ServiceRow::methods);
    d.inherit<RatesRow>();
  }
};

struct ServiceRows {
  std::vector<ServiceRow> services{};
  static void describe(Description<ServiceRows>& d) { d.field("services", &ServiceRows::services); }
};

struct MethodRow : RatesRow {
  std::string name{}, doc{}, kind{};
  int64_t in_flight = 0;
  JsonText request_schema{}, response_schema{};
  static void describe(Description<MethodRow>& d) {
    d.java_type("sofa.Method");
    d.field("name", &MethodRow::name);
    d.field("doc", &MethodRow::doc);
    d.field("kind", &MethodRow::kind).doc("unary, server_stream, client_stream, bidi_stream");
    d.inherit<RatesRow>();
    d.field("in_flight", &MethodRow::in_flight).doc("calls that run now");
    d.field("request_schema", &MethodRow::request_schema).doc("JSON Schema of the arguments, an array by position; a protobuf message is an object");
    d.field("response_schema", &MethodRow::response_schema);
  }
};

struct ServiceDetail {
  ServiceRow service{};
  std::vector<MethodRow> methods{};
  static void describe(Description<ServiceDetail>& d) {
    d.field("service", &ServiceDetail::service);
    d.field("methods", &ServiceDetail::methods).doc("of overloads the first");
  }
};

struct FindService {
  std::string service{};
  static void describe(Description<FindService>& d) { d.field("service", &FindService::service).required().doc("NAME or NAME:UNIQUE_ID"); }
};

/// Whose calls.
struct OfMethod {
  std::string service{}, method{};
  static void describe(Description<OfMethod>& d) {
    d.field("service", &OfMethod::service).doc("NAME or NAME:UNIQUE_ID; empty: of all");
    d.field("method", &OfMethod::method).doc("empty: all of the service");
  }
};

struct LatencyQuery : OfMethod {
  uint32_t seconds = 300;
  static void describe(Description<LatencyQuery>& d) {
    d.inherit<OfMethod>();  // the method with its service
    d.field("seconds", &LatencyQuery::seconds).unit("s").range(1, 86'400).doc("how far back; no further than the history reaches");
  }
};

struct CallsQuery : OfMethod {
  uint32_t limit = 10;
  static void describe(Description<CallsQuery>& d) {
    d.inherit<OfMethod>();
    d.field("limit", &CallsQuery::limit).range(1, kMostCalls);
  }
};

struct CountRow {
  std::vector<int64_t> rows{};
  static void describe(Description<CountRow>& d) {
    d.java_type("sofa.CountRow");
    d.field("rows", &CountRow::rows).doc("one number for each bound, and one for what took longer than the last");
  }
};

struct LatencyMap {
  std::vector<int64_t> times_ms{}, bounds_us{};
  std::vector<CountRow> counts{};
  std::vector<double> p50_us{}, p99_us{}, calls_per_second{}, errors_per_second{};
  static void describe(Description<LatencyMap>& d) {
    d.field("times_ms", &LatencyMap::times_ms).doc("the ends of the slices, oldest first");
    d.field("bounds_us", &LatencyMap::bounds_us).doc("the longest time of each row");
    d.field("counts", &LatencyMap::counts).doc("calls of each slice");
    d.field("p50_us", &LatencyMap::p50_us);
    d.field("p99_us", &LatencyMap::p99_us);
    d.field("calls_per_second", &LatencyMap::calls_per_second);
    d.field("errors_per_second", &LatencyMap::errors_per_second);
  }
};

struct StageRow {
  std::string name{};
  int64_t duration_us = 0;
  static void describe(Description<StageRow>& d) {
    d.java_type("sofa.CallStage");
    d.field("name", &StageRow::name).doc("arrive, queue, deserialize, filters, implementation, serialize");
    d.field("duration_us", &StageRow::duration_us).unit("us");
  }
};

struct CallRow {
  int64_t at_ms = 0;
  std::string service{}, method{}, protocol{}, caller{};
  int64_t duration_us = 0;
  std::string error{};
  std::vector<StageRow> stages{};
  static void describe(Description<CallRow>& d) {
    d.java_type("sofa.Call");
    d.field("at_ms", &CallRow::at_ms).unit("ms since 1970").doc("when it began");
    d.field("service", &CallRow::service);
    d.field("method", &CallRow::method);
    d.field("protocol", &CallRow::protocol);
    d.field("caller", &CallRow::caller).doc("the application that called; empty when it did not say");
    d.field("duration_us", &CallRow::duration_us).unit("us");
    d.field("error", &CallRow::error).doc("its code; empty when it succeeded");
    d.field("stages", &CallRow::stages).doc("where its time went, in the order of a call; those without time are left out");
  }
};

struct CallRows {
  std::vector<CallRow> calls{};
  static void describe(Description<CallRows>& d) { d.field("calls", &CallRows::calls); }
};

struct ErrorRow {
  std::string code{}, message{}, service{}, method{};
  int64_t count = 0, last_at_ms = 0;
  static void describe(Description<ErrorRow>& d) {
    d.java_type("sofa.ErrorGroup");
    d.field("code", &ErrorRow::code);
    d.field("message", &ErrorRow::message).doc("of the last one; empty when it had none");
    d.field("service", &ErrorRow::service);
    d.field("method", &ErrorRow::method);
    d.field("count", &ErrorRow::count).doc("since the start");
    d.field("last_at_ms", &ErrorRow::last_at_ms).unit("ms since 1970");
  }
};

struct ErrorRows {
  std::vector<ErrorRow> errors{};
  static void describe(Description<ErrorRows>& d) { d.field("errors", &ErrorRows::errors).doc("the latest first"); }
};

struct CallRequest {
  std::string service{}, method{};
  JsonText arguments{"[]"};
  uint32_t timeout_ms = 3'000;
  static void describe(Description<CallRequest>& d) {
    d.field("service", &CallRequest::service).required().doc("NAME or NAME:UNIQUE_ID");
    d.field("method", &CallRequest::method).required();
    d.field("arguments", &CallRequest::arguments).doc("an array by position, or an object by name; of a protobuf message the message");
    d.field("timeout_ms", &CallRequest::timeout_ms).unit("ms").range(1, 600'000);
  }
};

struct CallAnswer {
  bool ok = false;
  JsonText result{};
  std::string code{}, message{};
  int64_t duration_us = 0;
  std::vector<StageRow> stages{};
  static void describe(Description<CallAnswer>& d) {
    d.field("ok", &CallAnswer::ok);
    d.field("result", &CallAnswer::result).doc("what it returned; null for nothing");
    d.field("code", &CallAnswer::code).doc("of the error; empty when there was none, as the message");
    d.field("message", &CallAnswer::message);
    d.field("duration_us", &CallAnswer::duration_us).unit("us");
    d.field("stages", &CallAnswer::stages);
  }
};

std::string unique_name(const Offer& offer) {
  return rpc::unique_name(offer.interface.name, {.version = offer.options.version, .unique_id = offer.unique_id});
}

/// "NAME" or "NAME:UNIQUE_ID" of a unique name, whose version nobody asks for.
std::string shown_name(std::string_view unique) {
  const rpc::UniqueNameParts parts = rpc::split_unique_name(unique);
  return parts.unique_id.empty() ? std::string(parts.interface) : fmt::format("{}:{}", parts.interface, parts.unique_id);
}

bool fits(std::string_view unique, std::string_view method, const OfMethod& asked) {
  return (asked.service.empty() || shown_name(unique) == asked.service) && (asked.method.empty() || method == asked.method);
}

Result<const Offer*> find_offer(const RunningApplication& application, std::string_view name) {
  std::vector<std::string> known;
  for (const Offer* offer : detail::published(application)) {
    if (name_of(offer->interface, offer->unique_id) == name) return offer;
    known.push_back(name_of(offer->interface, offer->unique_id));
  }
  return fail(Code::not_found, "no service '{}' is published here; there are: {}", name, fmt::join(known, ", "));
}

/// The unique name that calls are counted by; empty for all.
Result<std::string> counted_name(const RunningApplication& application, std::string_view name) {
  if (name.empty()) return std::string();
  auto offer = find_offer(application, name);
  if (!offer) return forward_error(offer);
  return unique_name(**offer);
}

void fill(RatesRow& row, const CallHistory& calls, CallsOf which) {
  CallRates rates = calls.rates(which);
  row.calls_per_second = rates.calls_per_second;
  row.errors_per_second = rates.errors_per_second;
  row.p50_us = us(rates.p50_ns);
  row.p99_us = us(rates.p99_ns);
  row.history = std::move(rates.history);
  for (const rpc::MethodSnapshot& one : calls.latest().methods) {
    if (one.key.side != rpc::CallSide::server || one.key.service != which.service) continue;
    if (!which.method.empty() && one.key.method != which.method) continue;
    row.calls_total += static_cast<int64_t>(one.calls());
    row.errors_total += static_cast<int64_t>(one.errors());
  }
}

int64_t running_now(const CallHistory& calls, CallsOf which) {
  int64_t running = 0;
  for (const rpc::MethodSnapshot& one : calls.latest().methods) {
    if (one.key.side == rpc::CallSide::server && one.key.service == which.service && one.key.method == which.method) {
      running += static_cast<int64_t>(one.running);
    }
  }
  return running;
}

using Served = std::vector<rpc::Inspector::Served>;

/// The methods of a service by name, of overloads the first.
std::vector<const rpc::detail::MethodBase*> methods_of(const Served& served, std::string_view unique) {
  std::vector<const rpc::detail::MethodBase*> methods;
  for (const auto& one : served) {
    if (one.service == unique && std::ranges::find(methods, one.method->name(), &rpc::detail::MethodBase::name) == methods.end()) {
      methods.push_back(one.method);
    }
  }
  return methods;
}

ServiceRow service_row(const Offer& offer, const Served& served, const CallHistory& calls) {
  const std::string unique = unique_name(offer);
  ServiceRow row;
  row.name = offer.interface.name;
  row.unique_id = offer.unique_id;
  for (const Protocol& protocol : offer.protocols) row.protocols.emplace_back(protocol.name);
  row.methods = static_cast<int64_t>(methods_of(served, unique).size());
  fill(row, calls, {.service = unique});
  return row;
}

std::string_view word_of(rpc::MethodKind kind) {
  switch (kind) {
    case rpc::MethodKind::unary:
      return "unary";
    case rpc::MethodKind::server_streaming:
      return "server_stream";
    case rpc::MethodKind::client_streaming:
      return "client_stream";
    case rpc::MethodKind::bidi_streaming:
      return "bidi_stream";
  }
  return "unary";
}

MethodRow method_row(const rpc::detail::MethodBase& method, std::string_view unique, const CallHistory& calls) {
  MethodRow row;
  row.name = method.name();
  row.doc = method.spec()->options.doc;
  row.kind = word_of(method.kind());
  const CallsOf which{.service = unique, .method = method.name()};
  fill(row, calls, which);
  row.in_flight = running_now(calls, which);
  row.request_schema = {detail::arguments_schema(method)};
  row.response_schema = {detail::result_schema(method)};
  return row;
}

io::Task<Result<Served>> served_by(const RunningApplication& application) {
  if (application.server() == nullptr) co_return Served();
  co_return co_await application.server()->inspector().methods();
}

io::Task<Result<ServiceRows>> list_services(const RunningApplication& application, const CallHistory& calls) {
  const Served served = co_await io::or_return(co_await served_by(application));
  ServiceRows rows;
  for (const Offer* offer : detail::published(application)) rows.services.push_back(service_row(*offer, served, calls));
  co_return rows;
}

io::Task<Result<ServiceDetail>> describe_service(const RunningApplication& application, const CallHistory& calls, std::string name) {
  const Served served = co_await io::or_return(co_await served_by(application));
  const Offer& offer = *co_await io::or_return(find_offer(application, name));
  ServiceDetail detail{.service = service_row(offer, served, calls)};
  const std::string unique = unique_name(offer);
  for (const auto* method : methods_of(served, unique)) detail.methods.push_back(method_row(*method, unique, calls));
  co_return detail;
}

/// Rows of the latency map, three for each power of ten.
const std::vector<int64_t>& bounds_us() {
  static const std::vector<int64_t> kBounds{10,     20,     50,      100,     200,     500,       1'000,     2'000,     5'000,     10'000,
                                            20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000};
  return kBounds;
}

void add_column(LatencyMap& map, const CallSpan& span) {
  map.times_ms.push_back(ms_of(span.end));
  CountRow& column = map.counts.emplace_back();
  column.rows.resize(map.bounds_us.size() + 1);
  span.latency.each([&](uint64_t ns, uint64_t count) {
    const auto row = std::ranges::lower_bound(map.bounds_us, us(ns)) - map.bounds_us.begin();
    column.rows[static_cast<size_t>(row)] += static_cast<int64_t>(count);
  });
  map.p50_us.push_back(static_cast<double>(us(span.latency.percentile(0.5))));
  map.p99_us.push_back(static_cast<double>(us(span.latency.percentile(0.99))));
  map.calls_per_second.push_back(static_cast<double>(span.calls) / span.seconds);
  map.errors_per_second.push_back(static_cast<double>(span.errors) / span.seconds);
}

Result<LatencyMap> latency_map(const RunningApplication& application, const CallHistory& calls, const LatencyQuery& asked) {
  if (asked.service.empty() && !asked.method.empty()) {
    return fail(Code::invalid_argument, "the method '{}' needs its service, as services may have methods of one name; add service=NAME",
                asked.method);
  }
  auto unique = counted_name(application, asked.service);
  if (!unique) return forward_error(unique);
  LatencyMap map;
  map.bounds_us = bounds_us();
  for (const CallSpan& span : calls.spans({.service = *unique, .method = asked.method}, asked.seconds, kMostColumns)) add_column(map, span);
  return map;
}

std::string code_name(uint8_t status) { return status == 0 ? "" : std::string(to_string(static_cast<Code>(status))); }

std::vector<StageRow> stage_rows(const rpc::StageTimes& stages) {
  std::vector<StageRow> rows;
  for (size_t i = 0; i < stages.size(); ++i) {
    if (stages[i] > Duration::zero()) rows.push_back({std::string(to_string(static_cast<rpc::Stage>(i))), us(stages[i])});
  }
  return rows;
}

CallRow call_row(const rpc::MethodKey& key, const rpc::SlowCall& call) {
  return {.at_ms = ms_of(call.begun),
          .service = shown_name(key.service),
          .method = key.method,
          .protocol = std::string(to_string(key.protocol)),
          .caller = call.app,
          .duration_us = us(call.took),
          .error = code_name(call.status),
          .stages = stage_rows(call.stages)};
}

CallRows slowest(const CallHistory& calls, const CallsQuery& asked) {
  CallRows rows;
  for (const rpc::MethodSnapshot& one : calls.latest().methods) {
    if (one.key.side != rpc::CallSide::server || !fits(one.key.service, one.key.method, asked)) continue;
    for (const rpc::SlowCall& call : one.slowest) rows.calls.push_back(call_row(one.key, call));
  }
  std::ranges::sort(rows.calls, std::greater(), &CallRow::duration_us);
  if (rows.calls.size() > asked.limit) rows.calls.resize(asked.limit);
  return rows;
}

io::Task<Result<CallRows>> last_calls(const RunningApplication& application, CallsQuery asked) {
  CallRows rows;
  if (application.server() == nullptr || application.server()->calls() == nullptr) co_return rows;
  for (const rpc::LastCall& call : co_await io::or_return(co_await application.server()->calls()->last(SIZE_MAX))) {
    if (call.key.side != rpc::CallSide::server || !fits(call.key.service, call.key.method, asked)) continue;
    rows.calls.push_back(call_row(call.key, call));
    if (rows.calls.size() == asked.limit) break;
  }
  co_return rows;
}

/// By code and method, over all protocols.
ErrorRow& error_row(std::vector<ErrorRow>& rows, const rpc::MethodKey& key, std::string code) {
  const std::string service = shown_name(key.service);
  const auto known =
      std::ranges::find_if(rows, [&](const ErrorRow& row) { return row.code == code && row.method == key.method && row.service == service; });
  if (known != rows.end()) return *known;
  return rows.emplace_back(ErrorRow{.code = std::move(code), .service = service, .method = key.method});
}

ErrorRows errors(const CallHistory& calls, const OfMethod& asked) {
  ErrorRows all;
  for (const rpc::MethodSnapshot& one : calls.latest().methods) {
    if (one.key.side != rpc::CallSide::server || !fits(one.key.service, one.key.method, asked)) continue;
    for (size_t status = 1; status < one.statuses.size(); ++status) {
      if (one.statuses[status] == 0) continue;
      ErrorRow& row = error_row(all.errors, one.key, code_name(static_cast<uint8_t>(status)));
      row.count += static_cast<int64_t>(one.statuses[status]);
      const auto last = std::ranges::find(one.last_errors, static_cast<Code>(status), &rpc::LastError::code);
      if (last == one.last_errors.end() || ms_of(last->at) < row.last_at_ms) continue;
      row.last_at_ms = ms_of(last->at);
      row.message = last->message;
    }
  }
  std::ranges::sort(all.errors, std::greater(), &ErrorRow::last_at_ms);
  return all;
}

/// In the log stands who has called what, before it runs.
io::Task<Result<CallAnswer>> make_call(const RunningApplication& application, CallRequest asked, std::string who) {
  const Offer& offer = *co_await io::or_return(find_offer(application, asked.service));
  Logger("admin").info("a method is called", {{"service", asked.service}, {"method", asked.method}, {"by", who}});
  rpc::WrittenCall call{.service = unique_name(offer),
                        .method = std::move(asked.method),
                        .arguments = std::move(asked.arguments.json),
                        .timeout = std::chrono::milliseconds(asked.timeout_ms),
                        .app = "admin"};
  rpc::WrittenAnswer made = co_await io::or_return(co_await application.server()->inspector().call(std::move(call)));
  CallAnswer answer{.ok = made.result.has_value(), .duration_us = us(made.took), .stages = stage_rows(made.stages)};
  if (made.result) {
    answer.result = {std::move(*made.result)};
  } else {
    answer.code = to_string(made.result.error().code());
    answer.message = made.result.error().message();
  }
  co_return answer;
}

}  // namespace

void ServicesPart::add_to(admin::Routes& routes) {
  // What is read belongs to the application's shard.
  const auto here = [this](auto read) { return io::on(home_, [read]() -> io::Task<Result<decltype(read())>> { co_return read(); }); };
  const CallHistory& calls = sampler_.calls();
  routes
      .get("ListServices", "/v1/services", kRead,
           [this, &calls] { return io::on(home_, [this, &calls] { return list_services(application_, calls); }); })
      .doc("The services that are published, and how they do.");
  routes
      .get("GetService", "/v1/services/{service}", kRead,
           [this, &calls](FindService asked) {
             return io::on(home_, [this, &calls, asked] { return describe_service(application_, calls, asked.service); });
           })
      .doc("A service with its methods: how they do, and what they take.");
  routes
      .get("GetLatency", "/v1/latency", kRead,
           [this, &calls](LatencyQuery asked) -> io::Task<Result<LatencyMap>> {
             return io::on(home_, [this, &calls, asked]() -> io::Task<Result<LatencyMap>> { co_return latency_map(application_, calls, asked); });
           })
      .doc("How many calls took how long, over time.");
  routes
      .get("ListSlowest", "/v1/slowest", kRead,
           [here, &calls](CallsQuery asked) -> io::Task<Result<CallRows>> { return here([&calls, asked] { return slowest(calls, asked); }); })
      .doc("The slowest calls of the last one to two minutes, with where their time went.");
  routes
      .get("ListErrors", "/v1/errors", kRead,
           [here, &calls](OfMethod asked) -> io::Task<Result<ErrorRows>> { return here([&calls, asked] { return errors(calls, asked); }); })
      .doc("Calls that failed, by code and method.");
  routes
      .get("ListCalls", "/v1/calls", kRead,
           [this](CallsQuery asked) { return io::on(home_, [this, asked] { return last_calls(application_, asked); }); })
      .doc("The last calls that have ended, the latest first.");
  routes
      .post("MakeCall", "/v1/calls", "calls:write",
            [this](CallRequest asked, const admin::Caller& caller) {
              return io::on(home_, [this, asked, who = caller.principal.name] { return make_call(application_, asked, who); });
            })
      .doc("Calls a method of this process, as one that came over HTTP would be. How it ended stands in the answer.");
}

}  // namespace sofa::boot
