// sofa raft status, peers, add, remove, change, reset, learners, transfer, snapshot

#include <functional>

#include "sofa/io/scope.h"
#include "sofa/io/task_group.h"
#include "sofa/state/raft/describe.h"
#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/outcome.h"
#include "sofa/tool/raft_flags.h"
#include "sofa/tool/raft_view.h"

namespace sofa::tool {

using jraft::Configuration;
using jraft::PeerId;

Result<Configuration> parse_members(const std::string& text, std::string_view what) {
  auto members = jraft::read_members(text);
  if (!members) return std::unexpected(std::move(members.error()).wrap(std::string(what)));
  return members;
}

void RaftFlags::describe(Description<RaftFlags>& d) {
  d.field("group", &RaftFlags::group).alias("g").required().doc("name of the group");
  d.field("peers", &RaftFlags::peers)
      .alias("p")
      .required()
      .doc("members that are asked who leads: IP:PORT, with commas between; one that runs suffices");
  d.field("timeout", &RaftFlags::timeout).alias("t").range(0.001L, 86'400).unit("seconds").doc("how long everything may take");
  d.inherit<OutputFlags>();
  d.inherit<TlsFlags>();
}

namespace {

/// A command's client, and the group that it asks.
struct Group {
  raft::CliClient& cli;
  std::string name;
  Configuration members;
};

using Work = std::function<io::Task<Result<void>>(Group& group)>;

io::Task<Exit> with_client(const RaftFlags& flags, Configuration members, Terminal& terminal, const Work& work) {
  std::shared_ptr<io::TlsClientContext> tls;
  if (const auto config = flags.tls_for({})) {
    auto context = co_await io::TlsClientContext::open(*config);
    if (!context) co_return wrong_usage(context.error(), flags.output, terminal);
    tls = *std::move(context);
  }
  raft::CliClient cli(seconds(flags.timeout), std::move(tls));
  Group group{cli, flags.group, std::move(members)};
  const auto done = co_await work(group);
  co_await cli.close();
  co_return done ? Exit::ok : show_failure(done.error(), flags.output, terminal);
}

Exit ask_group(const RaftFlags& flags, Terminal& terminal, const Work& work) {
  if (!jraft::is_group_name(flags.group)) {
    const Error wrong(Code::invalid_argument, fmt::format("'{}' is no name of a group: a letter, then letters, digits, '-' and '_'", flags.group));
    return wrong_usage(wrong, flags.output, terminal);
  }
  auto members = parse_members(flags.peers, "--peers");
  if (!members) return wrong_usage(members.error(), flags.output, terminal);
  return run_on_shard(with_client(flags, *std::move(members), terminal, work));
}

// status

/// How one node is; asked for a second at most, so that one that is down does not hold up the rest.
io::Task<void> describe_one(Group& group, PeerId peer, RaftGroupView& into) {
  auto told = co_await io::with_timeout(std::chrono::seconds(1), group.cli.describe(group.name, peer));
  into.told.emplace(peer.address(), std::move(told));
}

io::Task<RaftGroupView> look_at(Group& group) {
  RaftGroupView view{.members = group.members};
  if (const auto leader = co_await group.cli.leader(group.name, group.members)) view.leader = *leader;
  if (view.leader) {
    if (auto members = co_await group.cli.peers(group.name, {.peers = {*view.leader}})) view.members = *std::move(members);
    if (auto alive = co_await group.cli.peers(group.name, {.peers = {*view.leader}}, true)) view.alive = *std::move(alive);
  }
  io::TaskGroup asking(co_await io::current_scope());
  for (const auto* some : {&view.members.peers, &view.members.learners}) {
    for (const PeerId& peer : *some) asking.spawn("asks how a member is", describe_one(group, peer, view));
  }
  [[maybe_unused]] const auto joined = co_await asking.join();
  // Followers name a leader for a while that is gone.
  if (view.leader && view.told.contains(view.leader->address()) && !has_answered(view, *view.leader)) view.leader = std::nullopt;
  co_return view;
}

/// A group without a leader is looked at, too: it is not waited for.
constexpr double kMostForALeader = 3;

Exit status(Arguments<RaftFlags>& given, Terminal& terminal) {
  RaftFlags& flags = given.options;
  flags.timeout = std::min(flags.timeout, kMostForALeader);
  return ask_group(flags, terminal, [&](Group& group) -> io::Task<Result<void>> {
    const RaftGroupView view = co_await look_at(group);
    const bool somebody =
        std::ranges::any_of(view.told, [](const auto& one) { return one.second || one.second.error().code() == Code::unimplemented; });
    if (!view.leader && !somebody) {
      // Whoever was asked said why not: the group is unknown there, or nobody answers.
      const auto leader = co_await group.cli.leader(group.name, group.members);
      if (!leader) co_return std::unexpected(leader.error());
    }
    print_rows<RaftMemberRow>(raft_rows(view), flags.output, terminal,
                              {.columns = {"peer", "role", "alive", "term", "log", "committed", "applied", "lag", "note"},
                               .unknown = "-",
                               .colour = [](std::string_view column, std::string_view cell) -> std::optional<Colour> {
                                 if (column == "alive") return cell == "yes" ? Colour::green : Colour::red;
                                 return column == "role" && cell == "leader" ? std::optional(Colour::bold) : std::nullopt;
                               }});
    if (!view.leader)
      co_return fail(Code::unavailable, "group {} has no leader that answers: a majority of its peers must run and reach each other", group.name);
    co_return Result<void>();
  });
}

// describe

Exit describe_member(Arguments<RaftFlags>& given, Terminal& terminal) {
  const RaftFlags& flags = given.options;
  std::optional<PeerId> node;
  if (!given.positional.empty()) {
    auto named = jraft::read_member(given.positional[0]);
    if (!named) return wrong_usage(named.error(), flags.output, terminal);
    node = *std::move(named);
  }
  return ask_group(flags, terminal, [&](Group& group) -> io::Task<Result<void>> {
    const auto& [peers, learners] = group.members;
    const PeerId asked = node ? *node : peers.empty() ? learners.front() : peers.front();
    print_object(co_await io::or_return(group.cli.describe(group.name, asked)), flags.output, terminal);
    co_return Result<void>();
  });
}

// peers

struct PeersOptions : RaftFlags {
  bool alive = false;
  static void describe(Description<PeersOptions>& d) {
    d.field("alive", &PeersOptions::alive).doc("only those whom the leader has heard of lately");
    d.inherit<RaftFlags>();
  }
};

struct PeerRow {
  std::string peer{}, kind{};
  bool leader = false;
  static void describe(Description<PeerRow>& d) {
    d.field("peer", &PeerRow::peer);
    d.field("kind", &PeerRow::kind);
    d.field("leader", &PeerRow::leader);
  }
};

Exit peers(Arguments<PeersOptions>& given, Terminal& terminal) {
  const PeersOptions& options = given.options;
  return ask_group(options, terminal, [&](Group& group) -> io::Task<Result<void>> {
    const PeerId leader = co_await io::or_return(group.cli.leader(group.name, group.members));
    const Configuration members = co_await io::or_return(group.cli.peers(group.name, group.members, options.alive));
    std::vector<PeerRow> rows;
    for (const PeerId& peer : members.peers) rows.push_back({peer.to_string(), "peer", peer == leader});
    for (const PeerId& peer : members.learners) rows.push_back({peer.to_string(), "learner", false});
    print_rows<PeerRow>(rows, options.output, terminal);
    co_return Result<void>();
  });
}

// add, remove, change, learners

struct ChangeShown {
  std::vector<std::string> before{}, after{};
  static void describe(Description<ChangeShown>& d) {
    d.field("before", &ChangeShown::before);
    d.field("after", &ChangeShown::after);
  }
};

ChangeShown shown(const raft::MembersChange& change) {
  const auto texts = [](const Configuration& members) {
    std::vector<std::string> all = texts_of(members.peers);
    for (std::string& learner : texts_of(members.learners)) all.push_back(std::move(learner) + "/learner");
    return all;
  };
  return {texts(change.before), texts(change.after)};
}

using Change = std::function<io::Task<Result<raft::MembersChange>>(Group& group)>;

Exit change_members(const RaftFlags& flags, Terminal& terminal, const Change& change) {
  return ask_group(flags, terminal, [&](Group& group) -> io::Task<Result<void>> {
    print_object(shown(co_await io::or_return(change(group))), flags.output, terminal);
    co_return Result<void>();
  });
}

Exit add(Arguments<RaftFlags>& given, Terminal& terminal) {
  const auto peer = jraft::read_member(given.positional[0]);
  if (!peer) return wrong_usage(peer.error(), given.options.output, terminal);
  return change_members(given.options, terminal, [&](Group& group) { return group.cli.add_peer(group.name, group.members, *peer); });
}

Exit remove(Arguments<RaftFlags>& given, Terminal& terminal) {
  const auto peer = jraft::read_member(given.positional[0]);
  if (!peer) return wrong_usage(peer.error(), given.options.output, terminal);
  return change_members(given.options, terminal, [&](Group& group) { return group.cli.remove_peer(group.name, group.members, *peer); });
}

Exit change(Arguments<RaftFlags>& given, Terminal& terminal) {
  const auto next = parse_members(given.positional[0], "the new members");
  if (!next) return wrong_usage(next.error(), given.options.output, terminal);
  return change_members(given.options, terminal, [&](Group& group) { return group.cli.change_peers(group.name, group.members, *next); });
}

Exit learners(Arguments<RaftFlags>& given, Terminal& terminal) {
  const std::string& verb = given.positional[0];
  auto named = parse_members(given.positional[1], "the learners");
  if (!named) return wrong_usage(named.error(), given.options.output, terminal);
  std::vector<PeerId> all = named->peers;
  all.insert(all.end(), named->learners.begin(), named->learners.end());
  if (verb == "promote" && all.size() != 1) {
    return wrong_usage(Error(Code::invalid_argument, "one learner is promoted at a time"), given.options.output, terminal);
  }
  const Change ask = [&](Group& group) {
    if (verb == "add") return group.cli.add_learners(group.name, group.members, all);
    if (verb == "remove") return group.cli.remove_learners(group.name, group.members, all);
    if (verb == "reset") return group.cli.reset_learners(group.name, group.members, all);
    return group.cli.promote_learner(group.name, group.members, all.front());
  };
  if (verb != "add" && verb != "remove" && verb != "reset" && verb != "promote") {
    const Error wrong(Code::invalid_argument, fmt::format("'{}' is nothing to do with learners: it is add, remove, reset or promote", verb));
    return wrong_usage(wrong, given.options.output, terminal);
  }
  return change_members(given.options, terminal, ask);
}

// reset

struct NodeRow {
  std::string node{}, result{};
  static void describe(Description<NodeRow>& d) {
    d.field("node", &NodeRow::node);
    d.field("result", &NodeRow::result);
  }
};

using Order = std::function<io::Task<Result<void>>(Group& group, PeerId node)>;

/// One order to several nodes, in turn. The first failure is how it ends; the others are told in the rows.
io::Task<Result<void>> order_each(Group& group, std::vector<PeerId> nodes, Order order, OutputFormat format, Terminal& terminal) {
  std::vector<NodeRow> rows;
  std::optional<Error> failed;
  for (const PeerId& node : nodes) {
    auto done = co_await order(group, node);
    rows.push_back({node.to_string(), done ? "done" : done.error().to_string()});
    if (!done && !failed) failed = done.error();
  }
  if (failed && rows.size() == 1) co_return std::unexpected(*failed);
  print_rows<NodeRow>(rows, format, terminal);
  if (failed) co_return std::unexpected(*failed);
  co_return Result<void>();
}

Exit reset(Arguments<RaftFlags>& given, Terminal& terminal) {
  const RaftFlags& flags = given.options;
  const auto next = parse_members(given.positional[0], "the new peers");
  if (!next) return wrong_usage(next.error(), flags.output, terminal);
  return ask_group(flags, terminal, [&](Group& group) {
    return order_each(
        group, group.members.peers, [&](Group& of, PeerId node) { return of.cli.reset_peers(of.name, std::move(node), *next); }, flags.output,
        terminal);
  });
}

// snapshot

Exit snapshot(Arguments<RaftFlags>& given, Terminal& terminal) {
  const RaftFlags& flags = given.options;
  std::vector<PeerId> nodes;
  for (const std::string& text : given.positional) {
    auto node = jraft::read_member(text);
    if (!node) return wrong_usage(node.error(), flags.output, terminal);
    nodes.push_back(*std::move(node));
  }
  return ask_group(flags, terminal, [&](Group& group) {
    if (nodes.empty()) {
      nodes = group.members.peers;
      nodes.insert(nodes.end(), group.members.learners.begin(), group.members.learners.end());
    }
    return order_each(group, nodes, [](Group& of, PeerId node) { return of.cli.snapshot(of.name, std::move(node)); }, flags.output, terminal);
  });
}

// transfer

struct LeaderShown {
  std::string before{}, leader{};
  static void describe(Description<LeaderShown>& d) {
    d.field("before", &LeaderShown::before);
    d.field("leader", &LeaderShown::leader);
  }
};

/// The order is taken at once; it has come to pass when another leads.
io::Task<Result<LeaderShown>> transfer_to(Group& group, PeerId to) {
  const PeerId before = co_await io::or_return(group.cli.leader(group.name, group.members));
  if (before == to) co_return LeaderShown{before.to_string(), before.to_string()};
  co_await io::or_return(group.cli.transfer(group.name, group.members, to));
  for (;;) {
    const PeerId now = co_await io::or_return(group.cli.leader(group.name, group.members));
    if (to.is_nobody() ? now != before : now == to) co_return LeaderShown{before.to_string(), now.to_string()};
    co_await io::or_return(io::sleep_for(std::chrono::milliseconds(20)));
  }
}

Exit transfer(Arguments<RaftFlags>& given, Terminal& terminal) {
  const RaftFlags& flags = given.options;
  PeerId to;
  if (!given.positional.empty()) {
    auto peer = jraft::read_member(given.positional[0]);
    if (!peer) return wrong_usage(peer.error(), flags.output, terminal);
    to = *std::move(peer);
  }
  return ask_group(flags, terminal, [&](Group& group) -> io::Task<Result<void>> {
    auto done = co_await io::with_timeout(seconds(flags.timeout), transfer_to(group, to));
    if (!done) co_return std::unexpected(std::move(done.error()).wrap(fmt::format("leadership of group {} was not handed over", group.name)));
    print_object(*done, flags.output, terminal);
    co_return Result<void>();
  });
}

constexpr std::string_view kStatusAbout =
    "Shows each member of a group: its role, whether it answers, and of this project's nodes terms and places in the log. Of nodes of SOFAJRaft "
    "only what its CLI tells is known; the rest is '-'. The lag is told when this project's node leads.\n\n"
    "  sofa raft status --group counter --peers 10.0.0.1:8700,10.0.0.2:8700,10.0.0.3:8700";
constexpr std::string_view kDescribeAbout =
    "Shows all that one of this project's nodes tells of itself: what JRaft's Node.describe() writes, and the console shows. Without NODE: the first "
    "of "
    "--peers. A node of SOFAJRaft does not know the question.\n\n"
    "  sofa raft describe 10.0.0.2:8700 --group counter --peers 10.0.0.1:8700 -o yaml";
constexpr std::string_view kAddAbout =
    "Adds a peer. It ends when the change is committed: the new peer must run, and have caught up.\n\n"
    "  sofa raft add 10.0.0.4:8700 --group counter --peers 10.0.0.1:8700,10.0.0.2:8700";
constexpr std::string_view kChangeAbout =
    "Sets the peers of a group in one change. Learners stay, unless they are named as peers; learners that are named, IP:PORT/learner, are set in a "
    "second change.\n\n"
    "  sofa raft change 10.0.0.1:8700,10.0.0.4:8700,10.0.0.5:8700 --group counter --peers 10.0.0.1:8700";
constexpr std::string_view kResetAbout =
    "For a group that has lost its majority for good: each node of --peers takes the new peers as they are, without asking anybody. What only the "
    "lost nodes had is lost, and a lost node that comes back with the old peers may make a second group: wipe it.\n\n"
    "  sofa raft reset 10.0.0.1:8700 --group counter --peers 10.0.0.1:8700";
constexpr std::string_view kLearnersAbout =
    "Changes who learns: add and remove some, reset to exactly these, or promote one to a peer. Adding a learner again changes nothing.\n\n"
    "  sofa raft learners add 10.0.0.9:8700 --group counter --peers 10.0.0.1:8700\n"
    "  sofa raft learners promote 10.0.0.9:8700 --group counter --peers 10.0.0.1:8700";
constexpr std::string_view kTransferAbout =
    "Hands leadership over, and ends when another leads. Without PEER: to the peer that lags least.\n\n"
    "  sofa raft transfer 10.0.0.2:8700 --group counter --peers 10.0.0.1:8700";
constexpr std::string_view kSnapshotAbout =
    "Lets nodes save a snapshot now, and ends when they have. Without NODE: all of --peers.\n\n"
    "  sofa raft snapshot 10.0.0.1:8700 --group counter --peers 10.0.0.1:8700";

}  // namespace

Command raft_status_command() {
  return command<RaftFlags, status>(
      {.group = &kRaftCommands, .name = "status", .summary = "shows the members of a group: roles, terms, logs, lags", .about = kStatusAbout});
}
Command raft_describe_command() {
  return command<RaftFlags, describe_member>({.group = &kRaftCommands,
                                              .name = "describe",
                                              .usage = "[NODE]",
                                              .summary = "shows all that one node tells of itself",
                                              .about = kDescribeAbout,
                                              .most = 1});
}
Command raft_peers_command() {
  return command<PeersOptions, peers>({.group = &kRaftCommands, .name = "peers", .summary = "lists peers and learners as the leader knows them"});
}
Command raft_add_command() {
  return command<RaftFlags, add>(
      {.group = &kRaftCommands, .name = "add", .usage = "PEER", .summary = "adds a peer", .about = kAddAbout, .least = 1, .most = 1});
}
Command raft_remove_command() {
  return command<RaftFlags, remove>(
      {.group = &kRaftCommands, .name = "remove", .usage = "PEER", .summary = "removes a peer; it may be the leader", .least = 1, .most = 1});
}
Command raft_change_command() {
  return command<RaftFlags, change>({.group = &kRaftCommands,
                                     .name = "change",
                                     .usage = "PEERS",
                                     .summary = "sets the peers in one change",
                                     .about = kChangeAbout,
                                     .least = 1,
                                     .most = 1});
}
Command raft_reset_command() {
  return command<RaftFlags, reset>({.group = &kRaftCommands,
                                    .name = "reset",
                                    .usage = "PEERS",
                                    .summary = "sets the peers of a group that has lost its majority",
                                    .about = kResetAbout,
                                    .least = 1,
                                    .most = 1});
}
Command raft_learners_command() {
  return command<RaftFlags, learners>({.group = &kRaftCommands,
                                       .name = "learners",
                                       .usage = "add|remove|reset|promote PEERS",
                                       .summary = "changes who learns",
                                       .about = kLearnersAbout,
                                       .least = 2,
                                       .most = 2,
                                       .words = "add remove reset promote"});
}
Command raft_transfer_command() {
  return command<RaftFlags, transfer>(
      {.group = &kRaftCommands, .name = "transfer", .usage = "[PEER]", .summary = "hands leadership over", .about = kTransferAbout, .most = 1});
}
Command raft_snapshot_command() {
  return command<RaftFlags, snapshot>(
      {.group = &kRaftCommands, .name = "snapshot", .usage = "[NODE...]", .summary = "saves snapshots now", .about = kSnapshotAbout, .most = 16});
}

}  // namespace sofa::tool
