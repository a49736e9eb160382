// sofa raft lab: one node of a group with the lab's state machine (docs/protocols/jraft.md, the lab)

#include "sofa/base/log.h"
#include "sofa/io/runtime.h"
#include "sofa/state/raft/server.h"
#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/outcome.h"
#include "sofa/tool/raft_flags.h"
#include "sofa/tool/raft_lab_node.h"

namespace sofa::tool {

namespace {

struct LabOptions {
  std::string group{}, id{}, peers{}, data{}, listen{};
  int election_ms = 1000;
  int snapshot_secs = 0;
  int quiet_secs = 10;
  bool checksum = false, learner = false, lease_reads = false;
  int groups = 1;
  uint64_t snapshot_bytes_per_second = 0;
  std::string ca{}, cert{}, key{};
  static void describe(Description<LabOptions>& d) {
    d.field("group", &LabOptions::group).required().doc("name of the group");
    d.field("id", &LabOptions::id).required().doc("this node, IP:PORT[:IDX[:PRIORITY]], as it stands in the peers of all nodes");
    d.field("peers", &LabOptions::peers).required().doc("members of a new group, with commas between; '-': wait until others make it a member");
    d.field("data", &LabOptions::data).required().doc("folder of its log and its snapshots");
    d.field("listen", &LabOptions::listen).doc("where it listens when that is not --id, behind a proxy: PORT, or IP:PORT");
    d.field("election_ms", &LabOptions::election_ms).range(10, 600'000).unit("ms").doc("how long a leader may be silent");
    d.field("snapshot_secs", &LabOptions::snapshot_secs).range(0, 1'000'000).unit("seconds").doc("between snapshots; 0: none by time");
    d.field("checksum", &LabOptions::checksum).doc("entries carry their checksum");
    d.field("learner", &LabOptions::learner).doc("this node only learns");
    d.field("lease_reads", &LabOptions::lease_reads).doc("reads go by the leader's lease instead of a round of heartbeats");
    d.field("quiet_secs", &LabOptions::quiet_secs)
        .range(0, 1'000'000)
        .unit("seconds")
        .doc("a group that is idle for so long, on nodes of this project alone, sends no heartbeats; 0: it always does");
    d.field("groups", &LabOptions::groups).range(1, 100'000).doc("so many groups: GROUP, which has the clients' requests, GROUP-1, GROUP-2, ...");
    d.field("snapshot_bytes_per_second", &LabOptions::snapshot_bytes_per_second).doc("that snapshots may take on the way; 0: no bound");
    d.field("ca", &LabOptions::ca).doc("TLS alone: PEM file of who signs the certificates of nodes and clients");
    d.field("cert", &LabOptions::cert).doc("with --ca: PEM file of this node's certificate");
    d.field("key", &LabOptions::key).doc("with --ca: PEM file of its private key");
  }
};

/// What the options mean, checked.
struct LabPlan {
  jraft::PeerId self{};
  jraft::Configuration initial{};
};

Result<LabPlan> plan_of(const LabOptions& options) {
  if (!jraft::is_group_name(options.group)) {
    return fail(Code::invalid_argument, "--group: '{}' is no name of a group: a letter, then letters, digits, '-' and '_'", options.group);
  }
  auto self = jraft::read_member(options.id);
  if (!self) return std::unexpected(std::move(self.error()).wrap("--id"));
  LabPlan plan{.self = *std::move(self)};
  if (options.peers != "-") {
    auto initial = parse_members(options.peers, "--peers");
    if (!initial) return forward_error(initial);
    plan.initial = *std::move(initial);
  }
  const bool tls = !options.ca.empty();
  if (tls == options.cert.empty() || tls == options.key.empty()) return fail(Code::invalid_argument, "--ca, --cert and --key belong together");
  if (options.learner && !plan.initial.empty() && !plan.initial.has_learner(plan.self)) {
    std::erase(plan.initial.peers, plan.self);
    plan.initial.learners.push_back(plan.self);
  }
  if (!plan.initial.empty() && !plan.initial.is_valid()) {
    return fail(Code::invalid_argument, "--peers: the members '{}' are no group: somebody must vote, and nobody be a peer and a learner",
                plan.initial.to_string());
  }
  return plan;
}

raft::NodeOptions node_options(const LabOptions& options, const LabPlan& plan, int number) {
  const Duration election = std::chrono::milliseconds(options.election_ms);
  return {.group = number == 0 ? options.group : fmt::format("{}-{}", options.group, number),
          .idx = plan.self.idx,
          .priority = plan.self.priority,
          .initial = plan.initial,
          .election_timeout = election,
          .max_election_delay = election,
          .snapshot_interval = std::chrono::seconds(options.snapshot_secs),
          .checksum = options.checksum,
          .lease_reads = options.lease_reads,
          .quiet_after = std::chrono::seconds(options.quiet_secs)};
}

std::string bind_of(const LabOptions& options, const LabPlan& plan) {
  const bool is_address = options.listen.empty() || options.listen.find(':') != std::string::npos;
  return is_address ? options.listen : fmt::format("{}:{}", plan.self.ip, options.listen);
}

/// The group of the clients first, the others many at once: they share the log's syncs.
io::Task<Result<void>> start_groups(raft::Server& server, const LabOptions& options, const LabPlan& plan, LabHandler& handler) {
  auto machine = std::make_unique<LabMachine>();
  const LabMachine& kept = *machine;
  handler.serve(*co_await io::or_return(server.start(node_options(options, plan, 0), std::move(machine))), kept);
  constexpr int kAtOnce = 256;
  for (int first = 1; first < options.groups; first += kAtOnce) {
    std::vector<io::Task<Result<raft::Node*>>> starting;
    for (int number = first; number < std::min(first + kAtOnce, options.groups); ++number) {
      starting.push_back(server.start(node_options(options, plan, number), std::make_unique<LabMachine>()));
    }
    co_await io::or_return(io::when_all(std::move(starting)));
  }
  co_return Result<void>();
}

/// Until a signal. What ends it runs in a scope that the signal does not reach.
io::Task<Result<void>> serve(const LabOptions& options, const LabPlan& plan, Terminal& terminal) {
  LabHandler handler;
  const std::string owner =
      plan.self.idx == 0 ? fmt::format("group {}", options.group) : fmt::format("group {}, member {}", options.group, plan.self.idx);
  raft::ServerOptions server_options{.folder = options.data,
                                     .address = plan.self.address(),
                                     .owner = owner,
                                     .bind = bind_of(options, plan),
                                     .snapshot_bytes_per_second = options.snapshot_bytes_per_second,
                                     .max_write_queue = LabHandler::kMostOfDump + (uint64_t{64} << 20)};
  if (!options.ca.empty()) server_options.tls = {.certificate = {.certificate = options.cert, .key = options.key}, .ca = options.ca};
  auto server = co_await io::or_return(raft::Server::open(std::move(server_options), {{std::string(LabHandler::kRequest), &handler}}));
  auto started = co_await start_groups(*server, options, plan, handler);
  if (started) {
    terminal.print_line(fmt::format("READY {}", plan.self.address()));
    (void)std::fflush(stdout);
    (void)co_await io::until_cancelled();
  }
  Result<void> stopped;
  io::TaskGroup stopping;
  stopping.spawn("lab: stops", [](raft::Server& of, Result<void>& into) -> io::Task<void> { into = co_await of.stop(); }(*server, stopped));
  [[maybe_unused]] const auto joined = co_await stopping.join();
  co_await handler.join();
  co_return started ? stopped : started;
}

Exit lab(Arguments<LabOptions>& given, Terminal& terminal) {
  const LabOptions& options = given.options;
  const auto plan = plan_of(options);
  if (!plan) return wrong_usage(plan.error(), OutputFormat::table, terminal);
  set_log_level(LogLevel::info);
  const auto run = [&]() -> io::Task<int> {
    const auto served = co_await serve(options, *plan, terminal);
    co_return static_cast<int>(served ? Exit::ok : show_failure(served.error(), OutputFormat::table, terminal));
  };
  return static_cast<Exit>(io::run(run(), {.shards = 1, .blocking_threads = 1, .file_threads = 2}));
}

constexpr std::string_view kAbout =
    "Runs one member of a group whose state machine is a map of keys to values, for tests and benchmarks: nodes of SOFAJRaft with the same state "
    "machine may be its peers, and sofa.lab.KvRequest over Bolt is how clients ask it. It has one port, that of --id, and prints \"READY IP:PORT\" "
    "when it serves. SIGTERM ends it.\n\n"
    "  sofa raft lab --group lab --id 127.0.0.1:7101 --peers 127.0.0.1:7101,127.0.0.1:7102,127.0.0.1:7103 --data /tmp/lab1";

}  // namespace

Command raft_lab_command() {
  return command<LabOptions, lab>(
      {.group = &kRaftCommands, .name = "lab", .summary = "runs a node with a map of keys, for tests and benchmarks", .about = kAbout});
}

}  // namespace sofa::tool
