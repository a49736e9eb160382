#include "sofa/boot/error_codes.h"

#include <algorithm>
#include <array>

namespace sofa::boot {

namespace errors {

// Services and references.
const ErrorPage service_missing{
    "01-00400", "A component needs a service that nothing provides",
    "The constructor of a component takes a `Ref<T>`, and no component of this process that it may see provides `T` with that unique id, nor does "
    "the configuration say where the service is found. The start ends before anything is made.",
    "Register a component with `provides<T>(\"id\")`, mend the unique id, take `Optional<T>` where the component can do without, or name a remote "
    "provider: `references: {\"com.acme.Hello:id\": {url: \"bolt://10.0.0.7:12200\"}}`."};
const ErrorPage service_doubled{
    "01-00401", "Two components publish one service",
    "Both provide the same interface with the same unique id on a protocol, so that a client could not say which of them it means.",
    "Give one of them a unique id, `provides<T>(\"id\")`, which clients name as well; or take one away."};
const ErrorPage service_ambiguous{"01-00402", "A component needs one of a kind, and several provide it",
                                  "A `Ref<T>` is met by exactly one component. Here several that it sees provide `T` with the same unique id.",
                                  "Give each a unique id and name it where it is taken, or take `All<T>` where all of them are meant."};
const ErrorPage service_hidden{
    "01-00403", "A component needs what another module keeps to itself",
    "A component sees what its own module, that module's parents, the modules that it requires, and the application itself provide. The service that "
    "it needs exists, in a module that it does not see.",
    "Let its module require the other one: `app.module(\"payments\").requires_module(\"books\")`. What the application itself refers to stands "
    "outside of modules."};
const ErrorPage service_unreachable{
    "01-00404", "A remote service of a component could not be connected",
    "The configuration names a remote provider, and a client for it could not be made: an address that is none, a name that does not resolve, a "
    "protocol without a client, or a provider that is asked at once and does not answer.",
    "The cause behind the sentence says which. Mend the `url` of the reference, or see that the provider runs."};

// Extension points.
const ErrorPage point_missing{"01-01001", "A component contributes to an extension point that nobody has",
                              "Contributions name their point. No component that is registered and active owns one of that name.",
                              "Mend the name (the sentence tells the nearest), or register the owner of the point."};
const ErrorPage point_doubled{"01-01002", "Two components own one extension point",
                              "The name of an extension point is its address for contributions and for `extensions:` of the configuration.",
                              "Give one of the points another name."};
const ErrorPage point_content{"01-01003", "A contribution is of another type than its extension point takes",
                              "A point takes values of one described type. The contribution holds a value of another one.",
                              "Contribute a value of the type that the sentence names."};
const ErrorPage point_hidden{"01-01004", "A component contributes to an extension point that it does not see",
                             "The owner of the point stands in a module that the contributor's module neither requires nor descends from.",
                             "Let its module require the owner's."};

// Components.
const ErrorPage stop_failed{"01-03000", "A component did not stop well",
                            "Its `drain` or `stop` gave an error, or took longer than its deadline. The others were stopped all the same, in "
                            "reverse order of their start, and the program ends with code 1.",
                            "The sentence names the component and the cause. A stop that needs longer than 10 s says so when it is registered: "
                            "`.stop_timeout(30s)`."};
const ErrorPage component_doubled{"01-03002", "Two components have one name",
                                  "The name of a component is its section of the configuration, and how everything that is shown names it.",
                                  "Give each a name of its own."};
const ErrorPage construct_failed{"01-03003", "A component could not be constructed",
                                 "Its constructor threw an exception, or its maker gave nothing. Constructors only keep what they are given.",
                                 "Move what may fail into `Result<void> start()`, whose errors are told with their cause."};
const ErrorPage start_failed{
    "01-03005", "A component could not start",
    "Its `start` gave an error. Those that had started were stopped again, in reverse order, and the program ends with code 1.",
    "The cause stands behind the sentence; most often it is a resource of the component's own: a file, a port, a peer."};
const ErrorPage start_late{
    "01-03006", "A component was not done within its deadline",
    "Each step of a component has a deadline: to start 30 s, to drain 20 s, to stop 10 s, unless its registration says otherwise. "
    "At the deadline its waits are cancelled.",
    "See what it waits for (`/v1/tasks` of the admin port shows every task that waits), or give it longer: "
    "`.start_timeout(60s)`."};
const ErrorPage component_cycle{
    "01-03008", "Components wait for each other", "Each is constructed after what it refers to; in a circle of references nobody can be first.",
    "Take one reference of the circle away: pass what is needed when it is called, or let one of them take an interface that "
    "a third component provides."};
const ErrorPage after_missing{"01-03009", "A component is to start after one that does not exist",
                              "`after(\"name\")` names a component that is not registered, or whose module is not active.",
                              "Mend the name, or register the component."};

// Modules.
const ErrorPage module_doubled{"01-11006", "A module is registered twice",
                               "Two modules have one name; components and requirements could mean either.", "Give each a name of its own."};
const ErrorPage module_missing{
    "01-12000", "A module requires one that is not there",
    "The parent or a required module is not registered, or its profiles are not active, so that the module cannot be installed.",
    "Register it, mend the name, or activate a profile of it: `modules: {active_profiles: [...]}`."};
const ErrorPage module_cycle{"01-12001", "Modules require each other",
                             "Modules are installed after those that they require; in a circle nobody can be first.",
                             "Take one of the requirements away; what both need moves into a third module."};
const ErrorPage module_unknown{"01-12002", "A component is of a module that is not registered", "The module that the component names does not exist.",
                               "Register the module, or mend its name."};

// Health.
const ErrorPage not_ready{"01-20000", "The application has started and is not ready",
                          "A strict check has not passed, or a readiness callback has failed. The program runs on and refuses traffic; /readyz and "
                          "/actuator/readiness answer 503 until the check passes. With `server.insulator` it ends instead.",
                          "The sentence names what has failed; /actuator/readiness has the details of every check."};
const ErrorPage indicator_failed{
    "01-21001", "A health indicator does not pass",
    "An indicator that is a condition of readiness says something else than UP. Traffic is refused until it passes again; it is "
    "asked again by its period.",
    "See its details in the line of the log or in /actuator/readiness, and mend what it looks at."};
const ErrorPage checker_failed{
    "01-23001", "A health checker does not pass",
    "A checker says something else than UP after its retries. A strict one holds traffic back until it passes; it is asked again "
    "by its period.",
    "See its details in the line of the log or in /actuator/readiness, and mend what it looks at; a check that may fail without "
    "harm is registered as not strict."};
const ErrorPage callback_failed{
    "01-24001", "A readiness callback failed",
    "Callbacks run once, in order, after all checks have passed. After the first failure the others are skipped, and traffic is "
    "refused for good.",
    "The cause stands behind the sentence. Mend it and start the program again; with manual callbacks "
    "/actuator/triggerReadinessCallback runs them."};

}  // namespace errors

std::span<const ErrorPage* const> error_pages() {
  using namespace errors;
  static constexpr std::array kAll{&service_missing, &service_doubled, &service_ambiguous, &service_hidden,   &service_unreachable, &point_missing,
                                   &point_doubled,   &point_content,   &point_hidden,      &stop_failed,      &component_doubled,   &construct_failed,
                                   &start_failed,    &start_late,      &component_cycle,   &after_missing,    &module_doubled,      &module_missing,
                                   &module_cycle,    &module_unknown,  &not_ready,         &indicator_failed, &checker_failed,      &callback_failed};
  return kAll;
}

const ErrorPage* find_error_page(std::string_view code) {
  constexpr std::string_view kPrefix = "SOFA-BOOT-";
  if (code.starts_with(kPrefix)) code.remove_prefix(kPrefix.size());
  const auto found = std::ranges::find(error_pages(), code, [](const ErrorPage* page) { return page->number; });
  return found == error_pages().end() ? nullptr : *found;
}

std::string markdown_of(const ErrorPage& page) {
  return fmt::format("# {}: {}\n\n{}\n\n## What to do\n\n{}\n", page.code(), page.title, page.cause, page.remedy);
}

}  // namespace sofa::boot
