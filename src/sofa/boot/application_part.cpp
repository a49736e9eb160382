#include "sofa/boot/application_part.h"

#include "sofa/base/json_schema.h"
#include "sofa/base/text.h"
#include "sofa/base/unix_time.h"

namespace sofa::boot {

namespace {

constexpr std::string_view kRead = "application:read";

struct NeedRow {
  std::string type{}, unique_id{}, kind{}, target{}, location{};
  static void describe(Description<NeedRow>& d) {
    d.java_type("sofa.Need");
    d.field("type", &NeedRow::type);
    d.field("unique_id", &NeedRow::unique_id);
    d.field("kind", &NeedRow::kind).doc("one, optional, all");
    d.field("target", &NeedRow::target).doc("the components that answer it, or the address of a remote one");
    d.field("location", &NeedRow::location).doc("local, remote, absent");
  }
};

struct OfferRow {
  std::string service{}, unique_id{};
  std::vector<std::string> protocols{};
  static void describe(Description<OfferRow>& d) {
    d.java_type("sofa.Offer");
    d.field("service", &OfferRow::service);
    d.field("unique_id", &OfferRow::unique_id);
    d.field("protocols", &OfferRow::protocols);
  }
};

struct ComponentRow {
  std::string name{}, type{}, module{}, state{}, health{}, registered_at{};
  std::vector<NeedRow> needs{};
  std::vector<OfferRow> offers{};
  int64_t construct_us = 0, start_us = 0;
  static void describe(Description<ComponentRow>& d) {
    d.java_type("sofa.Component");
    d.field("name", &ComponentRow::name);
    d.field("type", &ComponentRow::type).doc("its class");
    d.field("module", &ComponentRow::module);
    d.field("state", &ComponentRow::state);
    d.field("health", &ComponentRow::health).doc("up, down, unknown, out_of_service");
    d.field("registered_at", &ComponentRow::registered_at).doc("file and line");
    d.field("needs", &ComponentRow::needs);
    d.field("offers", &ComponentRow::offers);
    d.field("construct_us", &ComponentRow::construct_us).unit("us");
    d.field("start_us", &ComponentRow::start_us).unit("us");
  }
};

struct ComponentRows {
  std::vector<ComponentRow> components{};
  static void describe(Description<ComponentRows>& d) { d.field("components", &ComponentRows::components).doc("in the order of registration"); }
};

struct SpanRow {
  int64_t start_us = 0, end_us = 0;
  static void describe(Description<SpanRow>& d) {
    d.java_type("sofa.Span");
    d.field("start_us", &SpanRow::start_us).unit("us since the start began");
    d.field("end_us", &SpanRow::end_us).unit("us since the start began");
  }
};

struct StageRow : SpanRow {
  std::string name{};
  static void describe(Description<StageRow>& d) {
    d.java_type("sofa.StartupStage");
    d.field("name", &StageRow::name);
    d.inherit<SpanRow>();
  }
};

struct StartedRow {
  std::string name{}, module{};
  SpanRow construct{}, start{};
  bool critical = false;
  std::string waited_for{};
  static void describe(Description<StartedRow>& d) {
    d.java_type("sofa.StartupComponent");
    d.field("name", &StartedRow::name);
    d.field("module", &StartedRow::module);
    d.field("construct", &StartedRow::construct);
    d.field("start", &StartedRow::start);
    d.field("critical", &StartedRow::critical).doc("on the longest path");
    d.field("waited_for", &StartedRow::waited_for).doc("the component whose start let this one begin; empty for none");
  }
};

struct StartupRow {
  int64_t started_at_ms = 0, ready_us = 0;
  std::vector<StageRow> stages{};
  std::vector<StartedRow> components{};
  static void describe(Description<StartupRow>& d) {
    d.field("started_at_ms", &StartupRow::started_at_ms).unit("ms since 1970");
    d.field("ready_us", &StartupRow::ready_us).unit("us");
    d.field("stages", &StartupRow::stages);
    d.field("components", &StartupRow::components);
  }
};

struct ConfigRow {
  std::string key{}, value{}, default_value{}, type{}, origin{}, where{}, doc{};
  bool live = false, secret = false;
  static void describe(Description<ConfigRow>& d) {
    d.java_type("sofa.ConfigEntry");
    d.field("key", &ConfigRow::key);
    d.field("value", &ConfigRow::value).doc("as JSON; secrets are ***");
    d.field("default_value", &ConfigRow::default_value).doc("as JSON; empty of what stands in a map that is empty by default");
    d.field("type", &ConfigRow::type).doc("what it takes");
    d.field("origin", &ConfigRow::origin).doc("default, file, environment, flag, dynamic");
    d.field("where", &ConfigRow::where).doc("file, line and column; the variable; the flag");
    d.field("doc", &ConfigRow::doc);
    d.field("live", &ConfigRow::live);
    d.field("secret", &ConfigRow::secret);
  }
};

struct ConfigRows {
  std::vector<ConfigRow> entries{};
  static void describe(Description<ConfigRows>& d) { d.field("entries", &ConfigRows::entries); }
};

int64_t us(Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

std::string word_of(HealthStatus status) { return lower_case(std::string(to_string(status))); }

std::string_view word_of(NeedKind kind) { return kind == NeedKind::one ? "one" : kind == NeedKind::optional ? "optional" : "all"; }

NeedRow need_row(const Lifecycle& life, const Need& need, const PlannedNeed& planned) {
  std::vector<std::string_view> targets;
  for (const OfferRef& target : planned.targets) targets.push_back(life.components()[target.component].name);
  const bool remote = targets.empty() && !planned.url.empty();
  return {.type = std::string(need.interface.name),
          .unique_id = std::string(need.unique_id),
          .kind = std::string(word_of(need.kind)),
          .target = remote ? planned.url : fmt::format("{}", fmt::join(targets, ", ")),
          .location = remote            ? "remote"
                      : targets.empty() ? "absent"
                                        : "local"};
}

OfferRow offer_row(const Offer& offer) {
  OfferRow row{.service = std::string(offer.interface.name), .unique_id = offer.unique_id};
  for (const Protocol& protocol : offer.protocols) row.protocols.emplace_back(protocol.name);
  return row;
}

ComponentRows components_of(const Lifecycle& life) {
  ComponentRows rows;
  for (size_t i = 0; i < life.components().size(); ++i) {
    const ComponentSpec& spec = life.components()[i];
    const ComponentRecord& record = life.records()[i];
    ComponentRow row{.name = spec.name,
                     .type = std::string(spec.class_name),
                     .module = spec.module,
                     .state = std::string(to_string(record.state)),
                     .health = word_of(life.health(i).status),
                     .registered_at = fmt::format("{}:{}", spec.where.file_name(), spec.where.line()),
                     .construct_us = us(record.construct.took()),
                     .start_us = us(record.start.took())};
    const PlannedComponent& planned = life.plan().components[i];
    for (size_t n = 0; n < spec.needs.size(); ++n) row.needs.push_back(need_row(life, spec.needs[n], planned.needs[n]));
    for (const Offer& offer : spec.offers) row.offers.push_back(offer_row(offer));
    rows.components.push_back(std::move(row));
  }
  return rows;
}

StartupRow startup_of(const Report& report, const Lifecycle& life) {
  const auto span = [&](Instant begun, Instant ended) { return SpanRow{us(begun - report.begun), us(ended - report.begun)}; };
  const auto of_step = [&](const StepTime& step) { return step.begun == Instant{} ? SpanRow{} : span(step.begun, step.ended); };
  StartupRow row{.started_at_ms = unix_ms(report.wall), .ready_us = us(report.took())};
  for (const ReportStep& stage : report.stages) {
    StageRow one;
    static_cast<SpanRow&>(one) = span(stage.begun, stage.ended);
    one.name = stage.name;
    row.stages.push_back(std::move(one));
  }
  const std::vector<bool> critical = critical_path(life);
  for (size_t i = 0; i < life.components().size(); ++i) {
    const ComponentRecord& record = life.records()[i];
    row.components.push_back({.name = life.components()[i].name,
                              .module = life.components()[i].module,
                              .construct = of_step(record.construct),
                              .start = of_step(record.start),
                              .critical = critical[i],
                              .waited_for = record.waited_for ? life.components()[*record.waited_for].name : ""});
  }
  return row;
}

ConfigRows config_of(const Configuration& configuration) {
  ConfigRows rows;
  for (const ConfigValue& value : configuration.values()) {
    rows.entries.push_back({.key = value.path,
                            .value = value.json,
                            .default_value = value.standard,
                            .type = input_of(*value.field),
                            .origin = std::string(to_string(value.origin.kind)),
                            .where = value.origin.where,
                            .doc = std::string(value.field->doc),
                            .live = value.field->live,
                            .secret = value.field->secret});
  }
  return rows;
}

}  // namespace

void ApplicationPart::add_to(admin::Routes& routes) {
  const auto here = [this](auto read) { return io::on(home_, [read]() -> io::Task<Result<decltype(read())>> { co_return read(); }); };
  routes
      .get("GetComponents", "/v1/components", kRead,
           [this, here]() -> io::Task<Result<ComponentRows>> { return here([this] { return components_of(application_.lifecycle()); }); })
      .doc("The components, what each needs and offers, and who is whose.");
  routes
      .get("GetStartup", "/v1/startup", kRead,
           [this, here]() -> io::Task<Result<StartupRow>> {
             return here([this] { return startup_of(application_.startup(), application_.lifecycle()); });
           })
      .doc("Where the time of the start went.");
  routes
      .get("GetConfig", "/v1/config", kRead,
           [this, here]() -> io::Task<Result<ConfigRows>> { return here([this] { return config_of(application_.configuration()); }); })
      .doc("Every value of the configuration, with where it comes from.");
}

}  // namespace sofa::boot
