#include "sofa/boot/actuator.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "sofa/base/crc.h"
#include "sofa/base/json.h"
#include "sofa/base/json_object.h"
#include "sofa/base/log.h"
#include "sofa/base/text.h"
#include "sofa/boot/detail/place.h"
#include "sofa/http/router.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {

namespace {

using detail::place_of;

constexpr std::string_view kRead = "actuator:read";
constexpr std::string_view kWrite = "actuator:write";
constexpr size_t kMostLoggers = 1'000;  // each name is kept until the program ends

std::string detail_json(const HealthDetail& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? json_quoted(*text) : to_string(value);
}

/// {"status":"UP","details":{...}}; without details when there are none.
std::string health_json(const Health& health) {
  JsonObject answer;
  answer.add_quoted("status", to_string(health.status));
  JsonObject details;
  for (const auto& [key, value] : health.details) details.add(key, detail_json(value));
  if (!details.empty()) answer.add("details", details.text());
  return answer.text();
}

/// One of the three sections of readiness.
std::string section_json(const std::vector<NamedHealth>& section) {
  HealthStatus status = HealthStatus::up;
  JsonObject all;
  for (const NamedHealth& one : section) {
    if (one.strict && one.health.status != HealthStatus::up)
      status = worse(status, one.health.status == HealthStatus::unknown ? HealthStatus::down : one.health.status);
    all.add(one.name, health_json(one.health));
  }
  return JsonObject().add_quoted("status", to_string(status)).add("details", all.text()).text();
}

/// Of readiness (sofaboot.md 1.3).
int http_status_of(HealthStatus status) { return status == HealthStatus::up ? 200 : status == HealthStatus::down ? 503 : 500; }

/// The name in /actuator/health: a bean's without what Spring Boot strips.
std::string_view contributor_of(std::string_view bean) {
  for (const std::string_view suffix : {"HealthContributor", "HealthIndicator"}) {
    if (bean.size() > suffix.size() && bean.ends_with(suffix)) return bean.substr(0, bean.size() - suffix.size());
  }
  return bean;
}

/// {"name":..., "applicationId":..., "properties":[{"name":"source","value":{"info":{...},"interfaceMode":...}}, further ones]}
std::string component_json(std::string_view name, std::string_view application, const JsonObject& info, std::string_view mode,
                           const JsonArray& further = {}) {
  JsonArray properties;
  properties.add(
      JsonObject().add_quoted("name", "source").add("value", JsonObject().add("info", info.text()).add_quoted("interfaceMode", mode).text()).text());
  if (!further.empty()) properties.add(JsonObject().add_quoted("name", "bindings").add("value", further.text()).text());
  return JsonObject().add_quoted("name", name).add_quoted("applicationId", application).add("properties", properties.text()).text();
}

std::string_view spring_level(LogLevel level) {
  constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};
  return kNames[static_cast<size_t>(level)];
}

std::string logger_json(LogLevel level, bool configured) {
  JsonObject one;
  if (configured) one.add_quoted("configuredLevel", spring_level(level));
  return one.add_quoted("effectiveLevel", spring_level(level)).text();
}

struct LevelChange {
  std::optional<std::string> configured_level;
  static auto describe(Description<LevelChange>& d) { d.field("configuredLevel", &LevelChange::configured_level); }
};

/// "bolt" of "bolt://h:1,bolt://h:2".
std::string_view scheme_of(std::string_view url) { return url.substr(0, url.find("://")); }

ActuatorAnswer problem(int status, std::string_view sentence) {
  return {status, JsonObject().add_quoted("error", sentence).add_number("status", status).text()};
}

}  // namespace

struct Actuator::Endpoint {
  std::string_view method;
  std::string_view name;  ///< "health"; empty: the index
  bool selector;          ///< a further segment: "health/NAME"
  std::string_view permission;
  ActuatorAnswer (Actuator::*answer)(const ActuatorRequest&, std::string_view selected);  ///< null: trigger()
};

std::span<const Actuator::Endpoint> Actuator::endpoints() {
  static constexpr Endpoint kEndpoints[] = {
      {"GET", "", false, kRead, &Actuator::index},
      {"GET", "readiness", false, kRead, &Actuator::readiness},
      {"GET", "health", false, kRead, &Actuator::health},
      {"GET", "health", true, kRead, &Actuator::health},
      {"GET", "components", false, kRead, &Actuator::components},
      {"GET", "startup", false, kRead, &Actuator::startup},
      {"POST", "startup", false, kWrite, &Actuator::drain_startup},
      {"GET", "isle", false, kRead, &Actuator::isle},
      {"GET", "rpc", false, kRead, &Actuator::rpc},
      {"GET", "threadpool", false, kRead, &Actuator::threadpool},
      {"GET", "beans", false, kRead, &Actuator::beans},
      {"GET", "info", false, kRead, &Actuator::info},
      {"GET", "env", false, kRead, &Actuator::env},
      {"GET", "loggers", false, kRead, &Actuator::loggers},
      {"GET", "loggers", true, kRead, &Actuator::loggers},
      {"POST", "loggers", true, kWrite, &Actuator::set_logger},
      {"GET", "triggerReadinessCallback", false, kWrite, nullptr},
  };
  return kEndpoints;
}

std::span<const ActuatorRoute> Actuator::routes() {
  static const std::vector<std::string> patterns = [] {
    std::vector<std::string> all;
    for (const Endpoint& one : endpoints()) all.push_back(one.name.empty() ? "" : fmt::format("/{}{}", one.name, one.selector ? "/{name}" : ""));
    return all;
  }();
  static const std::vector<ActuatorRoute> routes = [] {
    std::vector<ActuatorRoute> all;
    for (size_t i = 0; i < patterns.size(); ++i) all.push_back({endpoints()[i].method, patterns[i], endpoints()[i].permission});
    return all;
  }();
  return routes;
}

io::Task<ActuatorAnswer> Actuator::answer(ActuatorRequest request) {
  std::string_view path = request.path;
  if (path.starts_with('/')) path.remove_prefix(1);
  const size_t slash = path.find('/');
  const std::string_view name = path.substr(0, slash);
  const std::string_view selected = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  bool known = false;
  for (const Endpoint& one : endpoints()) {
    if (one.name != name || one.selector != !selected.empty()) continue;
    known = true;
    if (one.method != request.method) continue;
    if (one.answer == nullptr) co_return co_await trigger();
    co_return (this->*one.answer)(request, selected);
  }
  co_return known ? problem(405, "the endpoint does not take this method") : problem(404, "there is no such endpoint; /actuator lists them");
}

ActuatorAnswer Actuator::index(const ActuatorRequest& request, std::string_view) {
  JsonObject links;
  links.add("self", JsonObject().add_quoted("href", fmt::format("{}/actuator", request.base)).add_boolean("templated", false).text());
  for (const Endpoint& one : endpoints()) {
    if (one.name.empty() || one.method != "GET") continue;
    const std::string name = one.selector ? fmt::format("{}-{}", one.name, one.name == "health" ? "path" : "name") : std::string(one.name);
    const std::string_view selected = !one.selector ? "" : one.name == "health" ? "/{*path}" : "/{name}";
    links.add(name, JsonObject()
                        .add_quoted("href", fmt::format("{}/actuator/{}{}", request.base, one.name, selected))
                        .add_boolean("templated", one.selector)
                        .text());
  }
  return {200, JsonObject().add("_links", links.text()).text()};
}

ActuatorAnswer Actuator::readiness(const ActuatorRequest& request, std::string_view) {
  const auto state = app_.readiness().state();
  if (!state->decided && !state->refusing) {
    return {500, R"({"status":"UNKNOWN","details":{"HEALTH-CHECK-NOT-READY":"App is still in startup process, please try later!"}})"};
  }
  JsonObject answer;
  answer.add_quoted("status", to_string(state->status));
  if (http::query_parameter(request.query, "showDetail").value_or("true") != "false") {
    JsonObject details;
    details.add("HealthCheckerInfo", section_json(state->checkers)).add("HealthIndicatorInfo", section_json(state->indicators));
    answer.add("details", details.add("HealthCallBackInfo", section_json(state->callbacks)).text());
  }
  return {http_status_of(state->status), answer.text()};
}

ActuatorAnswer Actuator::health(const ActuatorRequest&, std::string_view name) {
  if (name == "liveness") return {200, R"({"status":"UP"})"};
  const auto state = app_.readiness().state();
  if (name == "readiness") {
    return state->accepts_traffic() ? ActuatorAnswer{200, R"({"status":"UP"})"} : ActuatorAnswer{503, R"({"status":"OUT_OF_SERVICE"})"};
  }
  HealthStatus status = HealthStatus::up;
  JsonObject all;
  for (const NamedHealth& one : state->indicators) {
    if (name == contributor_of(one.name)) return {one.health.status >= HealthStatus::out_of_service ? 503 : 200, health_json(one.health)};
    if (one.strict) status = worse(status, one.health.status);
    all.add(contributor_of(one.name), health_json(one.health));
  }
  if (!name.empty()) return problem(404, "there is no such indicator; /actuator/health lists them");
  return {status >= HealthStatus::out_of_service ? 503 : 200,
          JsonObject().add_quoted("status", to_string(status)).add("components", all.text()).text()};
}

ActuatorAnswer Actuator::components(const ActuatorRequest&, std::string_view) {
  const Lifecycle& life = app_.lifecycle();
  std::map<std::string, JsonArray> types;
  for (const ModuleSpec& module : app_.modules()) {
    types["Spring"].add(component_json(module.name, app_.name(), JsonObject().add_quoted("location", place_of(module.where)), "api"));
  }
  for (size_t i = 0; i < life.components().size(); ++i) {
    const ComponentSpec& spec = life.components()[i];
    const PlannedComponent& planned = life.plan().components[i];
    const auto info = [&] {
      return JsonObject().add_quoted("beanClassName", spec.class_name).add_quoted("location", place_of(spec.where)).add_quoted("beanId", spec.name);
    };
    for (const Offer& offer : spec.offers) {
      if (offer.publish == nullptr) continue;
      JsonArray bindings;
      bindings.add_quoted("jvm");
      for (const Protocol& protocol : offer.protocols) bindings.add_quoted(protocol.name);
      types["service"].add(
          component_json(name_of(offer.interface, offer.unique_id), app_.name(), JsonObject().add_quoted("beanId", spec.name), "api", bindings));
    }
    for (size_t j = 0; j < spec.needs.size(); ++j) {
      const Need& need = spec.needs[j];
      const std::string& url = planned.needs[j].url;
      if (need.service == nullptr || (url.empty() && planned.needs[j].targets.empty())) continue;
      const std::string binding(url.empty() ? "jvm" : scheme_of(url));
      const std::string key = fmt::format("{}|{}|{}", spec.name, binding, url);
      const std::string name =
          fmt::format("{}#{}", name_of(need.interface, need.unique_id), crc32c(ByteSpan(reinterpret_cast<const uint8_t*>(key.data()), key.size())));
      types["reference"].add(component_json(name, app_.name(), info(), "annotation", JsonArray().add_quoted(binding)));
    }
    for (size_t j = 0; j < spec.points.size(); ++j) {
      types["extension-point"].add(component_json(spec.points[j].name, app_.name(), info(), "api"));
      for (const ContributionRef ref : planned.points[j]) {
        const ComponentSpec& from = life.components()[ref.component];
        types["extension"].add(component_json(
            fmt::format("{}${}", spec.points[j].name, from.name), app_.name(),
            JsonObject().add_quoted("beanId", from.name).add_quoted("location", place_of(from.contributions[ref.contribution].where)), "api"));
      }
    }
  }
  JsonObject all;
  for (const auto& [type, list] : types) all.add(type, list.text());
  return {200, JsonObject().add("componentsInfoMap", all.text()).text()};
}

ActuatorAnswer Actuator::startup(const ActuatorRequest& request, std::string_view) {
  Report report = app_.startup();
  if (startup_drained_) report.stages.clear();
  if (http::query_parameter(request.query, "format") == "trace") return {200, report.chrome_trace()};
  return {200, report.json()};
}

ActuatorAnswer Actuator::drain_startup(const ActuatorRequest& request, std::string_view name) {
  ActuatorAnswer last = startup(request, name);
  startup_drained_ = true;
  return last;
}

ActuatorAnswer Actuator::isle(const ActuatorRequest&, std::string_view) {
  const auto module_json = [&](const ModuleSpec& module) {
    Instant begun = Instant::max(), ended{};
    for (size_t i = 0; i < app_.lifecycle().components().size(); ++i) {
      const StepTime& start = app_.lifecycle().records()[i].start;
      if (app_.lifecycle().components()[i].module != module.name || start.begun == Instant{}) continue;
      begun = std::min(begun, start.begun), ended = std::max(ended, start.ended);
    }
    const bool ran = begun != Instant::max();
    const WallTime wall = app_.startup().wall + (ran ? begun - app_.startup().begun : Duration{});
    const auto whole_ms = [](auto time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); };
    return JsonObject()
        .add_quoted("name", module.name)
        .add_quoted("springParent", module.parent)
        .add("requireModules", json_texts(module.requires_modules))
        .add_quoted("resourceName", place_of(module.where))
        .add_number("startupTime", ran ? whole_ms(wall.time_since_epoch()) : 0)
        .add_number("elapsedTime", ran ? whole_ms(ended - begun) : 0)
        .add("installSpringXmls", "[]")
        .text();
  };
  const auto list = [&](const std::vector<ModuleSpec>& modules) {
    JsonArray all;
    for (const ModuleSpec& module : modules) all.add(module_json(module));
    return all.text();
  };
  JsonObject answer;
  answer.add("installedModuleList", list(app_.modules())).add("failedModuleList", "[]");  // one that fails ends the start
  return {200, answer.add("inactiveModuleList", list(app_.inactive_modules())).text()};
}

ActuatorAnswer Actuator::rpc(const ActuatorRequest&, std::string_view) {
  JsonArray providers, consumers;
  const Lifecycle& life = app_.lifecycle();
  for (size_t i = 0; i < life.components().size(); ++i) {
    const ComponentSpec& spec = life.components()[i];
    for (const Offer& offer : spec.offers) {
      if (offer.protocols.empty()) continue;
      JsonArray protocols;
      for (const Protocol& protocol : offer.protocols) protocols.add_quoted(protocol.name);
      providers.add(JsonObject()
                        .add_quoted("interfaceId", offer.interface.name)
                        .add_quoted("uniqueId", offer.unique_id)
                        .add("protocols", protocols.text())
                        .add("registries", "[]")
                        .add_quoted("serialization", "hessian2")
                        .add_boolean("register", false)
                        .add_quoted("targetClassName", spec.class_name)
                        .add("extraInfos", "{}")
                        .text());
    }
    for (size_t j = 0; j < spec.needs.size(); ++j) {
      const Need& need = spec.needs[j];
      const std::string& url = life.plan().components[i].needs[j].url;
      if (url.empty()) continue;
      const ReferenceSection& reference = app_.reference(name_of(need.interface, need.unique_id));
      consumers.add(JsonObject()
                        .add_quoted("interfaceId", need.interface.name)
                        .add_quoted("uniqueId", need.unique_id)
                        .add_quoted("protocol", scheme_of(url))
                        .add("registries", "[]")
                        .add_quoted("serialization", "hessian2")
                        .add_quoted("directUrl", url)
                        .add_quoted("invokeType", "sync")
                        .add_boolean("subscribe", false)
                        .add_number("timeout", reference.timeout == 0 ? 3'000 : reference.timeout)
                        .add_number("retries", reference.retries)
                        .add("extraInfos", "{}")
                        .text());
    }
  }
  return {200, JsonObject().add("provider", providers.text()).add("consumer", consumers.text()).add("registry", "[]").text()};
}

ActuatorAnswer Actuator::threadpool(const ActuatorRequest&, std::string_view) {
  io::Runtime& runtime = io::Shard::current().runtime();
  JsonArray pools;
  for (const io::BlockingPool* pool : {&runtime.blocking_pool(), &runtime.file_pool()}) {
    const auto queued = static_cast<int64_t>(std::min(pool->queued(), pool->queue_limit()));
    pools.add(JsonObject()
                  .add_quoted("threadPoolName", pool->name())
                  .add_quoted("spaceName", "sofa-io")
                  .add_quoted("threadPoolClassName", "sofa::io::BlockingPool")
                  .add_number("coreSize", pool->threads())
                  .add_number("maxSize", pool->threads())
                  .add_quoted("queueClassName", "std::deque")
                  .add_number("queueSize", queued)
                  .add_number("queueRemainingCapacity", static_cast<int64_t>(pool->queue_limit()) - queued)
                  .add_number("monitorPeriod", 0)
                  .add_number("taskTimeout", 0)
                  .text());
  }
  return {200, JsonObject().add("threadPoolInfoList", pools.text()).text()};
}

ActuatorAnswer Actuator::beans(const ActuatorRequest&, std::string_view) {
  const Lifecycle& life = app_.lifecycle();
  std::map<std::string, JsonObject> contexts{{"", {}}};
  for (const ModuleSpec& module : app_.modules()) contexts.emplace(module.name, JsonObject());
  for (size_t i = 0; i < life.components().size(); ++i) {
    const ComponentSpec& spec = life.components()[i];
    JsonArray dependencies;
    for (const size_t before : life.plan().components[i].waits_for) dependencies.add_quoted(life.components()[before].name);
    contexts[spec.module].add(spec.name, JsonObject()
                                             .add("aliases", "[]")
                                             .add_quoted("scope", "singleton")
                                             .add_quoted("type", spec.class_name)
                                             .add_quoted("resource", place_of(spec.where))
                                             .add("dependencies", dependencies.text())
                                             .text());
  }
  JsonObject all;
  for (const auto& [module, beans] : contexts) {
    JsonObject context;
    context.add("beans", beans.text());
    if (!module.empty()) context.add_quoted("parentId", app_.name());
    all.add(module.empty() ? app_.name() : module, context.text());
  }
  return {200, JsonObject().add("contexts", all.text()).text()};
}

ActuatorAnswer Actuator::info(const ActuatorRequest&, std::string_view) { return {200, "{}"}; }

ActuatorAnswer Actuator::env(const ActuatorRequest&, std::string_view) {
  JsonArray sources;
  const std::vector<ConfigValue> values = app_.configuration().values();
  for (int kind = static_cast<int>(OriginKind::dynamic); kind >= static_cast<int>(OriginKind::standard); --kind) {
    JsonObject properties;
    for (const ConfigValue& value : values) {
      if (static_cast<int>(value.origin.kind) != kind) continue;
      JsonObject property;
      property.add("value", value.json);
      if (!value.origin.where.empty()) property.add_quoted("origin", value.origin.where);
      properties.add(value.path, property.text());
    }
    if (properties.empty()) continue;
    sources.add(JsonObject().add_quoted("name", to_string(static_cast<OriginKind>(kind))).add("properties", properties.text()).text());
  }
  return {200, JsonObject().add("activeProfiles", json_texts(app_.active_profiles())).add("propertySources", sources.text()).text()};
}

ActuatorAnswer Actuator::loggers(const ActuatorRequest&, std::string_view name) {
  const LogLevel standard = default_log_level();
  const auto levels = log_levels();
  if (name == "ROOT") return {200, logger_json(standard, true)};
  if (!name.empty()) {
    const auto found = std::ranges::find(levels, name, &std::pair<std::string, LogLevel>::first);
    return found == levels.end() ? problem(404, "no logger has this name")
                                 : ActuatorAnswer{200, logger_json(found->second, found->second != standard)};
  }
  JsonObject all;
  all.add("ROOT", logger_json(standard, true));
  for (const auto& [space, level] : levels) all.add(space, logger_json(level, level != standard));
  return {200, JsonObject().add("levels", R"(["OFF","ERROR","WARN","INFO","DEBUG"])").add("loggers", all.text()).add("groups", "{}").text()};
}

ActuatorAnswer Actuator::set_logger(const ActuatorRequest& request, std::string_view name) {
  const auto change = from_json<LevelChange>(request.body.empty() ? "{}" : request.body, {.source = "body"});
  if (!change) return problem(400, change.error().message());
  LogLevel level = default_log_level();
  if (change->configured_level) {
    const std::string word = lower_case(*change->configured_level);
    const auto parsed = parse_log_level(word == "trace" ? "debug" : word == "fatal" ? "error" : word);
    if (!parsed) return problem(400, "configuredLevel is one of OFF, ERROR, WARN, INFO, DEBUG");
    level = *parsed;
  }
  if (name == "ROOT") {
    set_log_level(level);
  } else if (const auto known = log_levels();
             known.size() < kMostLoggers || std::ranges::find(known, name, &std::pair<std::string, LogLevel>::first) != known.end()) {
    set_log_level(name, level);
  } else {
    return problem(400, fmt::format("{} loggers are known, as many as may be, and {} is none of them", known.size(), name));
  }
  return {204, ""};
}

io::Task<ActuatorAnswer> Actuator::trigger() {
  const auto done = co_await app_.readiness().trigger();
  const std::string text = done ? "Readiness callbacks invoked successfully with result: true" : std::string(done.error().message());
  co_return ActuatorAnswer{200, JsonObject().add_boolean("success", done.has_value()).add_quoted("details", text).text()};
}

}  // namespace sofa::boot
