#include "sofa/boot/actuator.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "sofa/base/crc.h"
#include "sofa/base/json.h"
#include "sofa/base/log.h"
#include "sofa/boot/detail/json_text.h"
#include "sofa/boot/detail/place.h"
#include "sofa/http/router.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {

namespace {

using detail::json_texts;
using detail::JsonArray;
using detail::JsonObject;
using detail::place_of;

constexpr std::string_view kRead = "actuator:read";
constexpr std::string_view kWrite = "actuator:write";

std::string detail_json(const HealthDetail& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? json_quoted(*text) : to_string(value);
}

/// {"status":"UP","details":{...}}; without details when there are none.
std::string health_json(const Health& health) {
  JsonObject answer;
  answer.text("status", to_string(health.status));
  JsonObject details;
  for (const auto& [key, value] : health.details) details.raw(key, detail_json(value));
  if (!details.empty()) answer.raw("details", details.str());
  return answer.str();
}

/// One of the three sections of readiness.
std::string section_json(const std::vector<NamedHealth>& section) {
  HealthStatus status = HealthStatus::up;
  JsonObject all;
  for (const NamedHealth& one : section) {
    if (one.strict && one.health.status != HealthStatus::up)
      status = worse(status, one.health.status == HealthStatus::unknown ? HealthStatus::down : one.health.status);
    all.raw(one.name, health_json(one.health));
  }
  return JsonObject().text("status", to_string(status)).raw("details", all.str()).str();
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
  properties.raw(JsonObject().text("name", "source").raw("value", JsonObject().raw("info", info.str()).text("interfaceMode", mode).str()).str());
  if (!further.empty()) properties.raw(JsonObject().text("name", "bindings").raw("value", further.str()).str());
  return JsonObject().text("name", name).text("applicationId", application).raw("properties", properties.str()).str();
}

std::string_view spring_level(LogLevel level) {
  constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};
  return kNames[static_cast<size_t>(level)];
}

std::string logger_json(LogLevel level, bool configured) {
  JsonObject one;
  if (configured) one.text("configuredLevel", spring_level(level));
  return one.text("effectiveLevel", spring_level(level)).str();
}

struct LevelChange {
  std::optional<std::string> configured_level;
  static auto describe(Description<LevelChange>& d) { d.field("configuredLevel", &LevelChange::configured_level); }
};

/// "bolt" of "bolt://h:1,bolt://h:2".
std::string_view scheme_of(std::string_view url) { return url.substr(0, url.find("://")); }

/// The last word of a C++ name may stand for Java's.
ActuatorAnswer problem(int status, std::string_view sentence) {
  return {status, JsonObject().text("error", sentence).number("status", status).str()};
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
  links.raw("self", JsonObject().text("href", fmt::format("{}/actuator", request.base)).boolean("templated", false).str());
  for (const Endpoint& one : endpoints()) {
    if (one.name.empty() || one.method != "GET") continue;
    const std::string name = one.selector ? fmt::format("{}-{}", one.name, one.name == "health" ? "path" : "name") : std::string(one.name);
    const std::string_view selected = !one.selector ? "" : one.name == "health" ? "/{*path}" : "/{name}";
    links.raw(name,
              JsonObject().text("href", fmt::format("{}/actuator/{}{}", request.base, one.name, selected)).boolean("templated", one.selector).str());
  }
  return {200, JsonObject().raw("_links", links.str()).str()};
}

ActuatorAnswer Actuator::readiness(const ActuatorRequest& request, std::string_view) {
  const auto state = app_.readiness().state();
  if (!state->decided && !state->refusing) {
    return {500, R"({"status":"UNKNOWN","details":{"HEALTH-CHECK-NOT-READY":"App is still in startup process, please try later!"}})"};
  }
  JsonObject answer;
  answer.text("status", to_string(state->status));
  if (http::query_parameter(request.query, "showDetail").value_or("true") != "false") {
    JsonObject details;
    details.raw("HealthCheckerInfo", section_json(state->checkers)).raw("HealthIndicatorInfo", section_json(state->indicators));
    answer.raw("details", details.raw("HealthCallBackInfo", section_json(state->callbacks)).str());
  }
  return {http_status_of(state->status), answer.str()};
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
    all.raw(contributor_of(one.name), health_json(one.health));
  }
  if (!name.empty()) return problem(404, "there is no such indicator; /actuator/health lists them");
  return {status >= HealthStatus::out_of_service ? 503 : 200, JsonObject().text("status", to_string(status)).raw("components", all.str()).str()};
}

ActuatorAnswer Actuator::components(const ActuatorRequest&, std::string_view) {
  const Lifecycle& life = app_.lifecycle();
  std::map<std::string, JsonArray> types;
  for (const ModuleSpec& module : app_.modules()) {
    types["Spring"].raw(component_json(module.name, app_.name(), JsonObject().text("location", place_of(module.where)), "api"));
  }
  for (size_t i = 0; i < life.components().size(); ++i) {
    const ComponentSpec& spec = life.components()[i];
    const PlannedComponent& planned = life.plan().components[i];
    const auto info = [&] {
      return JsonObject().text("beanClassName", spec.class_name).text("location", place_of(spec.where)).text("beanId", spec.name);
    };
    for (const Offer& offer : spec.offers) {
      if (offer.publish == nullptr) continue;
      JsonArray bindings;
      bindings.text("jvm");
      for (const Protocol& protocol : offer.protocols) bindings.text(protocol.name);
      types["service"].raw(
          component_json(name_of(offer.interface, offer.unique_id), app_.name(), JsonObject().text("beanId", spec.name), "api", bindings));
    }
    for (size_t j = 0; j < spec.needs.size(); ++j) {
      const Need& need = spec.needs[j];
      const std::string& url = planned.needs[j].url;
      if (need.service == nullptr || (url.empty() && planned.needs[j].targets.empty())) continue;
      const std::string binding(url.empty() ? "jvm" : scheme_of(url));
      const std::string key = fmt::format("{}|{}|{}", spec.name, binding, url);
      const std::string name =
          fmt::format("{}#{}", name_of(need.interface, need.unique_id), crc32c(ByteSpan(reinterpret_cast<const uint8_t*>(key.data()), key.size())));
      types["reference"].raw(component_json(name, app_.name(), info(), "annotation", JsonArray().text(binding)));
    }
    for (size_t j = 0; j < spec.points.size(); ++j) {
      types["extension-point"].raw(component_json(spec.points[j].name, app_.name(), info(), "api"));
      for (const ContributionRef ref : planned.points[j]) {
        const ComponentSpec& from = life.components()[ref.component];
        types["extension"].raw(
            component_json(fmt::format("{}${}", spec.points[j].name, from.name), app_.name(),
                           JsonObject().text("beanId", from.name).text("location", place_of(from.contributions[ref.contribution].where)), "api"));
      }
    }
  }
  JsonObject all;
  for (const auto& [type, list] : types) all.raw(type, list.str());
  return {200, JsonObject().raw("componentsInfoMap", all.str()).str()};
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
  const auto step_of = [&](std::string_view component) -> const ReportStep* {
    for (const ReportStep& stage : app_.startup().stages) {
      const auto found = std::ranges::find(stage.steps, component, &ReportStep::name);
      if (stage.name == "ApplicationContextRefreshStage" && found != stage.steps.end()) return &*found;
    }
    return nullptr;
  };
  const auto module_json = [&](const ModuleSpec& module) {
    Instant begun = Instant::max(), ended{};
    for (const ComponentSpec& spec : app_.lifecycle().components()) {
      const ReportStep* step = spec.module == module.name ? step_of(spec.name) : nullptr;
      if (step != nullptr) begun = std::min(begun, step->begun), ended = std::max(ended, step->ended);
    }
    const bool ran = begun != Instant::max();
    const WallTime wall = app_.startup().wall + (ran ? begun - app_.startup().begun : Duration{});
    const auto whole_ms = [](auto time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); };
    return JsonObject()
        .text("name", module.name)
        .text("springParent", module.parent)
        .raw("requireModules", json_texts(module.requires_modules))
        .text("resourceName", place_of(module.where))
        .number("startupTime", ran ? whole_ms(wall.time_since_epoch()) : 0)
        .number("elapsedTime", ran ? whole_ms(ended - begun) : 0)
        .raw("installSpringXmls", "[]")
        .str();
  };
  const auto list = [&](const std::vector<ModuleSpec>& modules) {
    JsonArray all;
    for (const ModuleSpec& module : modules) all.raw(module_json(module));
    return all.str();
  };
  JsonObject answer;
  answer.raw("installedModuleList", list(app_.modules())).raw("failedModuleList", "[]");  // one that fails ends the start
  return {200, answer.raw("inactiveModuleList", list(app_.inactive_modules())).str()};
}

ActuatorAnswer Actuator::rpc(const ActuatorRequest&, std::string_view) {
  JsonArray providers, consumers;
  const Lifecycle& life = app_.lifecycle();
  for (size_t i = 0; i < life.components().size(); ++i) {
    const ComponentSpec& spec = life.components()[i];
    for (const Offer& offer : spec.offers) {
      if (offer.protocols.empty()) continue;
      JsonArray protocols;
      for (const Protocol& protocol : offer.protocols) protocols.text(protocol.name);
      providers.raw(JsonObject()
                        .text("interfaceId", offer.interface.name)
                        .text("uniqueId", offer.unique_id)
                        .raw("protocols", protocols.str())
                        .raw("registries", "[]")
                        .text("serialization", "hessian2")
                        .boolean("register", false)
                        .text("targetClassName", spec.class_name)
                        .raw("extraInfos", "{}")
                        .str());
    }
    for (size_t j = 0; j < spec.needs.size(); ++j) {
      const Need& need = spec.needs[j];
      const std::string& url = life.plan().components[i].needs[j].url;
      if (url.empty()) continue;
      const ReferenceSection& reference = app_.reference(name_of(need.interface, need.unique_id));
      consumers.raw(JsonObject()
                        .text("interfaceId", need.interface.name)
                        .text("uniqueId", need.unique_id)
                        .text("protocol", scheme_of(url))
                        .raw("registries", "[]")
                        .text("serialization", "hessian2")
                        .text("directUrl", url)
                        .text("invokeType", "sync")
                        .boolean("subscribe", false)
                        .number("timeout", reference.timeout == 0 ? 3'000 : reference.timeout)
                        .number("retries", reference.retries)
                        .raw("extraInfos", "{}")
                        .str());
    }
  }
  return {200, JsonObject().raw("provider", providers.str()).raw("consumer", consumers.str()).raw("registry", "[]").str()};
}

ActuatorAnswer Actuator::threadpool(const ActuatorRequest&, std::string_view) {
  io::Runtime& runtime = io::Shard::current().runtime();
  JsonArray pools;
  for (const io::BlockingPool* pool : {&runtime.blocking_pool(), &runtime.file_pool()}) {
    const auto queued = static_cast<int64_t>(std::min(pool->queued(), pool->queue_limit()));
    pools.raw(JsonObject()
                  .text("threadPoolName", pool->name())
                  .text("spaceName", "sofa-io")
                  .text("threadPoolClassName", "sofa::io::BlockingPool")
                  .number("coreSize", pool->threads())
                  .number("maxSize", pool->threads())
                  .text("queueClassName", "std::deque")
                  .number("queueSize", queued)
                  .number("queueRemainingCapacity", static_cast<int64_t>(pool->queue_limit()) - queued)
                  .number("monitorPeriod", 0)
                  .number("taskTimeout", 0)
                  .str());
  }
  return {200, JsonObject().raw("threadPoolInfoList", pools.str()).str()};
}

ActuatorAnswer Actuator::beans(const ActuatorRequest&, std::string_view) {
  const Lifecycle& life = app_.lifecycle();
  std::map<std::string, JsonObject> contexts{{"", {}}};
  for (const ModuleSpec& module : app_.modules()) contexts.emplace(module.name, JsonObject());
  for (size_t i = 0; i < life.components().size(); ++i) {
    const ComponentSpec& spec = life.components()[i];
    JsonArray dependencies;
    for (const size_t before : life.plan().components[i].waits_for) dependencies.text(life.components()[before].name);
    contexts[spec.module].raw(spec.name, JsonObject()
                                             .raw("aliases", "[]")
                                             .text("scope", "singleton")
                                             .text("type", spec.class_name)
                                             .text("resource", place_of(spec.where))
                                             .raw("dependencies", dependencies.str())
                                             .str());
  }
  JsonObject all;
  for (const auto& [module, beans] : contexts) {
    JsonObject context;
    context.raw("beans", beans.str());
    if (!module.empty()) context.text("parentId", app_.name());
    all.raw(module.empty() ? app_.name() : module, context.str());
  }
  return {200, JsonObject().raw("contexts", all.str()).str()};
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
      property.raw("value", value.json);
      if (!value.origin.where.empty()) property.text("origin", value.origin.where);
      properties.raw(value.path, property.str());
    }
    if (properties.empty()) continue;
    sources.raw(JsonObject().text("name", to_string(static_cast<OriginKind>(kind))).raw("properties", properties.str()).str());
  }
  return {200, JsonObject().raw("activeProfiles", json_texts(app_.active_profiles())).raw("propertySources", sources.str()).str()};
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
  all.raw("ROOT", logger_json(standard, true));
  for (const auto& [space, level] : levels) all.raw(space, logger_json(level, level != standard));
  return {200, JsonObject().raw("levels", R"(["OFF","ERROR","WARN","INFO","DEBUG"])").raw("loggers", all.str()).raw("groups", "{}").str()};
}

ActuatorAnswer Actuator::set_logger(const ActuatorRequest& request, std::string_view name) {
  const auto change = from_json<LevelChange>(request.body.empty() ? "{}" : request.body, {.source = "body"});
  if (!change) return problem(400, change.error().message());
  LogLevel level = default_log_level();
  if (change->configured_level) {
    std::string word = *change->configured_level;
    std::ranges::transform(word, word.begin(), [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    const auto parsed = parse_log_level(word == "trace" ? "debug" : word == "fatal" ? "error" : word);
    if (!parsed) return problem(400, "configuredLevel is one of OFF, ERROR, WARN, INFO, DEBUG");
    level = *parsed;
  }
  if (name == "ROOT") {
    set_log_level(level);
  } else {
    set_log_level(name, level);
  }
  return {204, ""};
}

io::Task<ActuatorAnswer> Actuator::trigger() {
  const auto done = co_await app_.readiness().trigger();
  const std::string text = done ? "Readiness callbacks invoked successfully with result: true" : std::string(done.error().message());
  co_return ActuatorAnswer{200, JsonObject().boolean("success", done.has_value()).text("details", text).str()};
}

}  // namespace sofa::boot
