#include "sofa/boot/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <tuple>

#include "sofa/base/json_object.h"

namespace sofa::boot {

namespace {

int64_t whole_ms(Duration time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); }
double exact_ms(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }
double exact_us(Duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

std::string attributes_json(const std::map<std::string, std::string>& attributes) {
  JsonObject all;
  for (const auto& [key, value] : attributes) all.add_quoted(key, value);
  return all.text();
}

std::string step_json(const Report& report, const ReportStep& step, Duration threshold) {
  const auto wall = [&](Instant at) { return whole_ms((report.wall + (at - report.begun)).time_since_epoch()); };
  const int64_t cost = wall(step.ended) - wall(step.begun);
  JsonArray children;
  for (const ReportStep& child : step.steps) {
    if (child.took() >= threshold) children.add(step_json(report, child, threshold));
  }
  JsonObject one;
  one.add("attributes", attributes_json(step.attributes)).add_quoted("name", step.name);
  one.add_number("startTime", wall(step.begun)).add_number("endTime", wall(step.ended)).add_number("cost", cost).add("children", children.text());
  if (!step.type.empty()) {
    one.add_quoted("type", step.type).add_number("realRefreshElapsedTime", cost).add_quoted("beanClassName", step.name);
    one.add_number("beanRefreshStartTime", wall(step.begun))
        .add_number("beanRefreshEndTime", wall(step.ended))
        .add_number("refreshElapsedTime", cost);
  }
  return one.text();
}

std::string trace_event(const Report& report, const ReportStep& step, std::string_view category, size_t line) {
  return fmt::format(R"({{"name":{},"cat":{},"ph":"X","ts":{:.3f},"dur":{:.3f},"pid":1,"tid":{},"args":{}}})", json_quoted(step.name),
                     json_quoted(category), exact_us(step.begun - report.begun), exact_us(step.took()), line, attributes_json(step.attributes));
}

/// The line of a trace on which nothing runs at `begun`; its end becomes `ended`.
size_t free_line(std::vector<Instant>& ends, const ReportStep& step) {
  auto line = std::ranges::find_if(ends, [&](Instant end) { return end <= step.begun; });
  if (line == ends.end()) line = ends.insert(ends.end(), Instant{});
  *line = step.ended;
  return static_cast<size_t>(line - ends.begin());
}

/// The steps that a table shows of a stage: the slowest ones and the critical path, in their own order.
std::vector<const ReportStep*> shown(const std::vector<ReportStep>& steps, size_t most) {
  std::vector<const ReportStep*> all;
  for (const ReportStep& step : steps) all.push_back(&step);
  std::ranges::sort(all, std::greater{}, [](const ReportStep* step) { return std::tuple(step->critical, step->took(), step); });
  const auto critical = static_cast<size_t>(std::ranges::count_if(steps, &ReportStep::critical));
  all.resize(std::min(all.size(), std::max(most, critical)));
  std::ranges::sort(all);
  return all;
}

std::vector<ReportStep> component_steps(const Lifecycle& life, StepTime ComponentRecord::* time, std::string_view type) {
  std::vector<ReportStep> steps;
  for (size_t i = 0; i < life.components().size(); ++i) {
    const StepTime& ran = life.records()[i].*time;
    if (ran.begun == Instant{}) continue;
    const ComponentSpec& spec = life.components()[i];
    steps.push_back({.name = spec.name, .begun = ran.begun, .ended = std::max(ran.begun, ran.ended), .type = std::string(type)});
    steps.back().attributes.emplace("classType", spec.class_name);
    if (!spec.module.empty()) steps.back().attributes.emplace("module", spec.module);
  }
  std::ranges::sort(steps, {}, [](const ReportStep& step) { return std::tie(step.begun, step.ended, step.name); });
  return steps;
}

}  // namespace

void Report::begin_stage(std::string name, Instant now) {
  end_stage(now);
  stages.push_back({.name = std::move(name), .begun = now, .ended = now});
}

void Report::end_stage(Instant now) {
  if (!stages.empty() && stages.back().ended == stages.back().begun) stages.back().ended = now;
}

std::string Report::json(Duration threshold) const {
  std::string all;
  for (const ReportStep& stage : stages) all += fmt::format("{}{}", all.empty() ? "" : ",", step_json(*this, stage, threshold));
  return fmt::format(R"({{"appName":{},"applicationBootElapsedTime":{},"applicationBootTime":{},"stageStats":[{}]}})", json_quoted(application),
                     whole_ms(took()), whole_ms(wall.time_since_epoch()), all);
}

std::string Report::chrome_trace() const {
  std::string events;
  std::vector<Instant> ends{Instant::max()};  // line 0 is of the stages
  for (const ReportStep& stage : stages) {
    events += fmt::format("{}{}", events.empty() ? "" : ",", trace_event(*this, stage, "stage", 0));
    for (const ReportStep& step : stage.steps) events += "," + trace_event(*this, step, stage.name, free_line(ends, step));
  }
  return fmt::format(R"({{"displayTimeUnit":"ms","traceEvents":[{}]}})", events);
}

std::string Report::table(size_t most) const {
  std::string text = fmt::format("{}: {:.3f} ms\n", application, exact_ms(took()));
  for (const ReportStep& stage : stages) {
    text += fmt::format("  {:<46} {:>10.3f} ms\n", stage.name, exact_ms(stage.took()));
    const auto rows = shown(stage.steps, most);
    for (const ReportStep* step : rows) {
      text += fmt::format("  {} {:<44} {:>10.3f} ms", step->critical ? '*' : ' ', step->name, exact_ms(step->took()));
      text += step->waited > Duration::zero() ? fmt::format(", waited {:.3f} ms\n", exact_ms(step->waited)) : "\n";
    }
    if (rows.size() < stage.steps.size()) text += fmt::format("    and {} that took less\n", stage.steps.size() - rows.size());
  }
  return text;
}

std::vector<ReportStep> construct_steps(const Lifecycle& life) {
  return component_steps(life, &ComponentRecord::construct, "sofa.component.construct");
}
std::vector<ReportStep> drain_steps(const Lifecycle& life) { return component_steps(life, &ComponentRecord::drain, "sofa.component.drain"); }
std::vector<ReportStep> stop_steps(const Lifecycle& life) { return component_steps(life, &ComponentRecord::stop, "sofa.component.stop"); }

std::vector<bool> critical_path(const Lifecycle& life) {
  const auto records = life.records();
  std::vector<bool> critical(records.size());
  const auto last = std::ranges::max_element(records, {}, [](const ComponentRecord& record) { return record.start.ended; });
  if (last == records.end()) return critical;
  for (std::optional<size_t> at = static_cast<size_t>(last - records.begin()); at; at = records[*at].waited_for) critical[*at] = true;
  return critical;
}

std::vector<ReportStep> start_steps(const Lifecycle& life, Instant stage_begun) {
  std::vector<ReportStep> steps = component_steps(life, &ComponentRecord::start, "sofa.component.start");
  const auto records = life.records();
  const std::vector<bool> critical = critical_path(life);
  const auto index_of = [&](const ReportStep& step) {
    return static_cast<size_t>(std::ranges::find(life.components(), step.name, &ComponentSpec::name) - life.components().begin());
  };
  for (ReportStep& step : steps) {
    const size_t index = index_of(step);
    step.critical = critical[index];
    if (const auto before = records[index].waited_for) {
      step.waited = std::max(Duration::zero(), step.begun - stage_begun);
      step.attributes.emplace("waitedFor", life.components()[*before].name);
    }
    if (step.critical) step.attributes.emplace("criticalPath", "true");
  }
  return steps;
}

std::vector<ReportStep> readiness_steps(const ReadinessState& state) {
  std::vector<ReportStep> steps;
  const auto add = [&](const std::vector<NamedHealth>& section, std::string_view type) {
    for (const NamedHealth& one : section) {
      if (one.begun == Instant{}) continue;
      steps.push_back({.name = one.name, .begun = one.begun, .ended = one.ended, .attributes = {{"type", std::string(type)}}});
    }
  };
  add(state.checkers, "HealthChecker");
  add(state.indicators, "healthIndicator");
  add(state.callbacks, "ReadinessCheckCallback");
  return steps;
}

}  // namespace sofa::boot
