#include "sofa/boot/plan.h"

#include <algorithm>
#include <map>
#include <queue>
#include <ranges>
#include <set>
#include <unordered_map>

#include "sofa/base/text.h"
#include "sofa/boot/detail/place.h"
#include "sofa/boot/error_codes.h"

namespace sofa::boot {

bool is_active(std::span<const std::string> profiles, std::span<const std::string> active) {
  const auto holds = [&](std::string_view name) { return name == "default" || std::ranges::find(active, name) != active.end(); };
  return profiles.empty() || std::ranges::any_of(profiles, [&](std::string_view profile) {
           return profile.starts_with('!') ? !holds(profile.substr(1)) : holds(profile);
         });
}

namespace {

using detail::place_of;
using Problems = std::vector<std::string>;

/// Which modules each module sees, itself and the application included.
class Visibility {
 public:
  Visibility(std::span<const ModuleSpec> modules, Problems& problems) {
    for (const ModuleSpec& module : modules) {
      if (const auto [at, fresh] = modules_.emplace(module.name, &module); !fresh) {
        problems.push_back(coded(errors::module_doubled, "module \"{}\" is registered twice, at {} and {}; give each a name of its own", module.name,
                                 place_of(at->second->where), place_of(module.where)));
      }
    }
    for (const ModuleSpec& module : modules) check_requirements(module, problems);
    report_cycles(problems);
  }

  bool known(std::string_view module) const { return module.empty() || modules_.contains(module); }

  /// Whether components of `from` may refer to what `to` provides.
  bool sees(std::string_view from, std::string_view to) const {
    if (to.empty()) return true;
    size_t steps = 0;  // a cycle of parents is reported elsewhere
    for (std::string_view at = from; !at.empty() && steps <= modules_.size(); ++steps) {
      if (at == to) return true;
      const auto module = modules_.find(at);
      if (module == modules_.end()) return false;
      if (at == from && std::ranges::find(module->second->requires_modules, to) != module->second->requires_modules.end()) return true;
      at = module->second->parent;
    }
    return false;
  }

 private:
  static std::vector<std::string_view> requirements(const ModuleSpec& module) {
    std::vector<std::string_view> all(module.requires_modules.begin(), module.requires_modules.end());
    if (!module.parent.empty()) all.push_back(module.parent);
    return all;
  }

  void check_requirements(const ModuleSpec& module, Problems& problems) const {
    for (const std::string_view required : requirements(module)) {
      if (modules_.contains(required)) continue;
      problems.push_back(coded(errors::module_missing,
                               "module \"{}\" ({}) requires module \"{}\", which is not registered or not active; register it, or mend the name",
                               module.name, place_of(module.where), required));
    }
  }

  void report_cycles(Problems& problems) const {
    std::map<std::string_view, int> colour;  // 1: on the path, 2: done
    std::vector<std::string_view> path;
    const auto visit = [&](auto& self, std::string_view name) -> void {
      const auto module = modules_.find(name);
      if (module == modules_.end() || colour[name] == 2) return;
      if (colour[name] == 1) {
        std::string text;
        for (auto at = std::ranges::find(path, name); at != path.end(); ++at) text += fmt::format("\"{}\" requires ", *at);
        problems.push_back(coded(errors::module_cycle, "modules require each other: {}\"{}\"; take one of these requirements away", text, name));
        return;
      }
      colour[name] = 1;
      path.push_back(name);
      for (const std::string_view required : requirements(*module->second)) self(self, required);
      path.pop_back();
      colour[name] = 2;
    };
    for (const auto& [name, module] : modules_) visit(visit, name);
  }

  std::map<std::string_view, const ModuleSpec*> modules_;
};

class Planner {
 public:
  Planner(std::span<const ComponentSpec> specs, std::span<const ModuleSpec> modules, const PlanOptions& options)
      : specs_(specs), options_(options), visibility_(modules, problems_) {}

  Result<Plan> make() {
    plan_.components.resize(specs_.size());
    index();
    report_doubled_offers();
    for (size_t i = 0; i < specs_.size(); ++i) {
      for (size_t j = 0; j < specs_[i].contributions.size(); ++j) contribute({i, j});
    }
    for (size_t i = 0; i < specs_.size(); ++i) {
      for (const Need& need : specs_[i].needs) plan_.components[i].needs.push_back(meet(specs_[i], need));
      link(i);
    }
    sort();
    if (problems_.empty()) return std::move(plan_);
    return fail(Code::invalid_argument, "{}", fmt::join(problems_, "\n"));
  }

 private:
  struct OfferKey {
    const void* interface;
    std::string_view unique_id;
    auto operator<=>(const OfferKey&) const = default;
  };

  struct PointRef {
    size_t component;
    size_t point;
  };

  const Offer& offer(OfferRef ref) const { return specs_[ref.component].offers[ref.offer]; }

  void index() {
    for (size_t i = 0; i < specs_.size(); ++i) {
      const ComponentSpec& spec = specs_[i];
      if (const auto [at, fresh] = by_name_.emplace(spec.name, i); !fresh) {
        problems_.push_back(
            coded(errors::component_doubled, "{} has the name of {}; give each a name of its own", spec.described(), specs_[at->second].described()));
      }
      if (!visibility_.known(spec.module)) {
        problems_.push_back(coded(errors::module_unknown, "{} is of module \"{}\", which is not registered", spec.described(), spec.module));
      }
      for (size_t j = 0; j < spec.offers.size(); ++j) {
        by_interface_[spec.offers[j].interface.identity].push_back({i, j});
      }
      plan_.components[i].points.resize(spec.points.size());
      for (size_t j = 0; j < spec.points.size(); ++j) {
        const auto [at, fresh] = by_point_.emplace(spec.points[j].name, PointRef{i, j});
        if (fresh) continue;
        problems_.push_back(coded(errors::point_doubled,
                                  "{} has the extension point \"{}\", and so has {}; a point has one owner: give it another name", spec.described(),
                                  spec.points[j].name, specs_[at->second.component].described()));
      }
    }
  }

  /// Two components of one class are no problem until somebody refers to one; two that publish one service are.
  void report_doubled_offers() {
    std::map<OfferKey, OfferRef> published;
    for (size_t i = 0; i < specs_.size(); ++i) {
      for (size_t j = 0; j < specs_[i].offers.size(); ++j) {
        const Offer& own = specs_[i].offers[j];
        if (own.publish == nullptr) continue;
        const auto [at, fresh] = published.emplace(OfferKey{own.interface.identity, own.unique_id}, OfferRef{i, j});
        if (fresh) continue;
        problems_.push_back(coded(errors::service_doubled, "{} and {} both provide {}; give one of them a unique id: provides<...>(\"id\")",
                                  specs_[at->second.component].described(), specs_[i].described(), name_of(own.interface, own.unique_id)));
      }
    }
  }

  /// What meets the need, a problem noted when nothing or too much does.
  PlannedNeed meet(const ComponentSpec& spec, const Need& need) {
    std::vector<OfferRef> visible, hidden;
    if (const auto found = by_interface_.find(need.interface.identity); found != by_interface_.end()) {
      for (const OfferRef ref : found->second) {
        if (need.kind != NeedKind::all && offer(ref).unique_id != need.unique_id) continue;
        (visibility_.sees(spec.module, specs_[ref.component].module) ? visible : hidden).push_back(ref);
      }
    }
    if (need.kind == NeedKind::all) return {.targets = std::move(visible)};
    if (const std::string url = remote_url(need, visible.empty()); !url.empty()) return {.url = url};
    if (visible.size() == 1) return {.targets = std::move(visible)};
    if (visible.size() > 1) {
      report_ambiguous(spec, need, visible);
    } else if (!hidden.empty()) {
      report_hidden(spec, need, hidden.front());
    } else if (need.kind == NeedKind::one) {
      report_missing(spec, need);
    }
    return {};
  }

  /// Where the service is found outside, when it is not provided here or is to be taken from there all the same.
  std::string remote_url(const Need& need, bool missing) {
    if (need.service == nullptr || !options_.remote_url) return {};
    const bool forced = options_.force_remote && options_.force_remote(need.interface.name, need.unique_id);
    return missing || forced ? options_.remote_url(need.interface.name, need.unique_id) : std::string{};
  }

  void report_missing(const ComponentSpec& spec, const Need& need) {
    const std::string wanted = name_of(need.interface, need.unique_id);
    std::string others;
    if (const auto found = by_interface_.find(need.interface.identity); found != by_interface_.end()) {
      for (const OfferRef ref : found->second) {
        others += fmt::format("; {} provides it with the unique id \"{}\"", specs_[ref.component].described(), offer(ref).unique_id);
      }
    }
    const std::string remote = need.service == nullptr ? "" : fmt::format(", or say where it is found: references: {{{}: {{url: ...}}}}", wanted);
    problems_.push_back(
        coded(errors::service_missing, "{} needs {}, which no component provides{}; register one{}", spec.described(), wanted, others, remote));
  }

  void report_hidden(const ComponentSpec& spec, const Need& need, OfferRef where) {
    const ComponentSpec& owner = specs_[where.component];
    problems_.push_back(coded(errors::service_hidden, "{} of {} needs {}, which {} of module \"{}\" provides; {}", spec.described(),
                              spec.module.empty() ? "the application" : fmt::format("module \"{}\"", spec.module),
                              name_of(need.interface, need.unique_id), owner.described(), owner.module,
                              spec.module.empty() ? "what the application itself refers to must stand outside of modules"
                                                  : fmt::format("let \"{}\" require \"{}\"", spec.module, owner.module)));
  }

  void report_ambiguous(const ComponentSpec& spec, const Need& need, std::span<const OfferRef> found) {
    std::string who;
    for (const OfferRef ref : found) who += fmt::format("{}{}", who.empty() ? "" : " and ", specs_[ref.component].described());
    problems_.push_back(coded(errors::service_ambiguous,
                              "{} needs one {}, and {} provide it; give each a unique id by provides<...>(\"id\"), or take All<...>",
                              spec.described(), name_of(need.interface, need.unique_id), who));
  }

  void contribute(ContributionRef ref) {
    const ComponentSpec& spec = specs_[ref.component];
    const ContributionSpec& given = spec.contributions[ref.contribution];
    const auto who = [&] {
      return fmt::format("{} contributes to the extension point \"{}\" ({})", spec.described(), given.point, place_of(given.where));
    };
    const auto found = by_point_.find(given.point);
    if (found == by_point_.end()) {
      std::vector<std::string_view> names;
      for (const auto& [name, owner] : by_point_) names.push_back(name);
      const std::string_view near = nearest(given.point, names);
      problems_.push_back(coded(errors::point_missing, "{}, which no component has; {}", who(),
                                near.empty() ? "register its owner" : fmt::format("did you mean \"{}\"?", near)));
      return;
    }
    const auto [owner, number] = found->second;
    const PointSpec& point = specs_[owner].points[number];
    if (point.content != given.content) {
      problems_.push_back(
          coded(errors::point_content, "{} a {}; {} takes {}", who(), given.content.name, specs_[owner].described(), point.content.name));
    } else if (!visibility_.sees(spec.module, specs_[owner].module)) {
      problems_.push_back(coded(errors::point_hidden, "{}, which {} of module \"{}\" has; {}", who(), specs_[owner].described(), specs_[owner].module,
                                spec.module.empty() ? "what the application itself contributes to must stand outside of modules"
                                                    : fmt::format("let \"{}\" require \"{}\"", spec.module, specs_[owner].module)));
    } else {
      plan_.components[owner].points[number].push_back(ref);
    }
  }

  /// The components that `i` waits for: those that it refers to, and those that it is registered after.
  void link(size_t i) {
    std::set<size_t> before;
    for (const PlannedNeed& need : plan_.components[i].needs) {
      for (const OfferRef ref : need.targets) before.insert(ref.component);
    }
    for (const std::string& name : specs_[i].after) {
      const auto found = by_name_.find(name);
      if (found == by_name_.end()) {
        problems_.push_back(coded(errors::after_missing, "{} is to start after \"{}\", and there is no such component", specs_[i].described(), name));
      } else {
        before.insert(found->second);
      }
    }
    plan_.components[i].waits_for.assign(before.begin(), before.end());
    for (const size_t one : before) plan_.components[one].dependants.push_back(i);
  }

  /// Kahn's algorithm; the first registered of those that are ready goes first. What is left over is in a cycle, or behind one.
  void sort() {
    std::vector<size_t> waiting(specs_.size());
    std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
    for (size_t i = 0; i < specs_.size(); ++i) {
      waiting[i] = plan_.components[i].waits_for.size();
      if (waiting[i] == 0) ready.push(i);
    }
    while (!ready.empty()) {
      const size_t next = ready.top();
      ready.pop();
      plan_.order.push_back(next);
      for (const size_t dependant : plan_.components[next].dependants) {
        if (--waiting[dependant] == 0) ready.push(dependant);
      }
    }
    report_cycles(waiting);
  }

  /// From each component that is left over, back along what it waits for, there is a cycle; each cycle is told once.
  void report_cycles(std::span<const size_t> waiting) {
    std::vector<bool> told(specs_.size());
    for (size_t i = 0; i < specs_.size(); ++i) {
      if (waiting[i] == 0 || told[i]) continue;
      std::vector<size_t> path;
      size_t at = i;
      while (std::ranges::find(path, at) == path.end() && !told[at]) {
        path.push_back(at);
        const auto& before = plan_.components[at].waits_for;
        at = *std::ranges::find_if(before, [&](size_t one) { return waiting[one] != 0; });
      }
      const auto begin = std::ranges::find(path, at);
      if (begin != path.end()) {
        std::string text;
        for (auto one = begin; one != path.end(); ++one) text += specs_[*one].described() + " waits for ";
        problems_.push_back(
            coded(errors::component_cycle,
                  "components wait for each other: {}\"{}\"; take one of these references away, or let one hold All<...> or an Optional of an "
                  "interface that is registered elsewhere",
                  text, specs_[at].name));
      }
      for (const size_t one : path) told[one] = true;
    }
  }

  std::span<const ComponentSpec> specs_;
  const PlanOptions& options_;
  Problems problems_;
  Visibility visibility_;
  Plan plan_;
  std::unordered_map<std::string_view, size_t> by_name_;
  std::map<std::string_view, PointRef> by_point_;
  std::unordered_map<const void*, std::vector<OfferRef>> by_interface_;
};

}  // namespace

Result<Plan> make_plan(std::span<const ComponentSpec> components, std::span<const ModuleSpec> modules, const PlanOptions& options) {
  return Planner(components, modules, options).make();
}

}  // namespace sofa::boot
