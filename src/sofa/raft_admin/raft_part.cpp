#include "sofa/raft_admin/raft_part.h"

#include <algorithm>

#include "sofa/base/unix_time.h"
#include "sofa/io/shard.h"
#include "sofa/state/raft/describe.h"

namespace sofa::raft {

namespace {

constexpr int kManyErrors = 3;  // in a row, of a peer

struct GroupName {
  std::string group{};
  static void describe(Description<GroupName>& d) { d.field("group", &GroupName::group).required(); }
};

struct GroupMembers {
  std::vector<DescribeResponse> members{};
  static void describe(Description<GroupMembers>& d) {
    d.java_type("sofa.RaftGroup");
    d.field("members", &GroupMembers::members).doc("of the group on this server: one, mostly");
  }
};

std::string note_of_peers(const Core& core, Instant now) {
  for (const Core::Follower& one : core.followers()) {
    const Duration silent = now - one.last_answer;
    if (silent > 2 * core.options().election_timeout) {
      return fmt::format("{} has not answered for {} s", one.peer.to_string(), silent / std::chrono::seconds(1));
    }
    if (one.errors >= kManyErrors) return fmt::format("{} has refused {} requests in a row", one.peer.to_string(), one.errors);
  }
  return {};
}

GroupRow row_of(const Node& node, std::string note) {
  NodeDescription is = node.describe();
  const Core& core = node.core();
  return {.group = std::move(is.group),
          .node = std::move(is.self),
          .role = std::move(is.role),
          .leader = std::move(is.leader),
          .term = is.term,
          .last_log = is.last_log,
          .committed = is.committed,
          .applied = is.applied,
          .lag = core.is_leader() ? core.largest_lag() : -1,
          .elections = static_cast<int64_t>(is.elections),
          .last_election = std::move(is.last_election),
          .last_election_at_ms = unix_ms(is.last_election_at),
          .quiet = is.quiet,
          .note = std::move(note)};
}

/// All on the shard of the server.
class RaftPart final : public admin::Part {
 public:
  explicit RaftPart(ServerSource source) : source_(std::move(source)), home_(io::Shard::current()) {}
  std::string_view name() const override { return "Raft"; }
  void add_to(admin::Routes& routes) override {
    routes
        .get("ListGroups", "/v1/raft/groups", "raft:read",
             [this](GroupsQuery asked) { return io::on(home_, [this, asked = std::move(asked)] { return list(asked); }); })
        .doc("The Raft groups that have a member here, by name.");
    routes
        .get("GetGroup", "/v1/raft/groups/{group}", "raft:read",
             [this](GroupName asked) { return io::on(home_, [this, asked = std::move(asked)] { return find(asked.group); }); })
        .doc("The members of one group here. From then on it is counted in detail (/metrics), for a quarter of an hour.");
  }

 private:
  io::Task<Result<GroupPage>> list(const GroupsQuery& asked) const {
    Server* const server = source_();
    co_return server == nullptr ? GroupPage() : page_of(*server, asked, io::Shard::current().now());
  }
  io::Task<Result<GroupMembers>> find(const std::string& group) const {
    Server* const server = source_();
    GroupMembers found;
    if (server != nullptr) {
      for (Node* const node : server->nodes()) {
        if (node->group() != group) continue;
        server->count_in_detail(*node);
        found.members.push_back(described(*node, io::Shard::current().now()));
      }
    }
    if (found.members.empty()) co_return fail(Code::not_found, "the Raft group '{}' has no member here", group);
    co_return found;
  }

  const ServerSource source_;
  io::Shard& home_;
};

class RaftMetrics final : public admin::MetricSource {
 public:
  explicit RaftMetrics(ServerSource source) : source_(std::move(source)), home_(io::Shard::current()) {}
  io::Task<Result<std::vector<MetricValue>>> read() override {
    return io::on(home_, [this]() -> io::Task<Result<std::vector<MetricValue>>> {
      Server* const server = source_();
      co_return server == nullptr ? std::vector<MetricValue>() : server->metrics();
    });
  }

 private:
  const ServerSource source_;
  io::Shard& home_;
};

}  // namespace

void show_groups(admin::AdminServer& admin, ServerSource source) {
  admin.add(std::make_shared<RaftPart>(source));
  admin.add_metrics(std::make_shared<RaftMetrics>(std::move(source)));
}

std::string note_of(const Node& node, Instant now) {
  const Core& core = node.core();
  if (core.role() == Role::error) return core.error().to_string();
  if (!core.is_active()) return {};
  if (node.is_full()) return "its disk is full";
  if (core.leader().is_nobody()) return core.role() == Role::candidate ? "it campaigns" : "it knows no leader";
  return core.is_leader() && !core.is_quiet() ? note_of_peers(core, now) : std::string();
}

GroupPage page_of(Server& server, const GroupsQuery& asked, Instant now) {
  GroupPage page{.address = server.address()};
  for (const Node* const node : server.nodes()) {
    const Core& core = node->core();
    std::string note = note_of(*node, now);
    ++page.sums.groups;
    page.sums.leaders += core.is_leader() ? 1 : 0;
    page.sums.followers += core.role() == Role::follower ? 1 : 0;
    page.sums.quiet += core.is_quiet() ? 1 : 0;
    page.sums.attention += note.empty() ? 0 : 1;
    if ((asked.attention && note.empty()) || !node->group().contains(asked.contains)) continue;
    ++page.matching;
    if (!asked.after.empty() && node->group() <= asked.after) continue;
    // The members of one group stand on one page.
    if (page.groups.size() < asked.limit || page.groups.back().group == node->group()) {
      page.groups.push_back(row_of(*node, std::move(note)));
    } else if (page.next.empty()) {
      page.next = page.groups.back().group;
    }
  }
  return page;
}

void GroupsQuery::describe(Description<GroupsQuery>& d) {
  d.field("contains", &GroupsQuery::contains).doc("in the name of the group");
  d.field("attention", &GroupsQuery::attention).doc("only those that somebody should look at");
  d.field("limit", &GroupsQuery::limit).range(1, 1'000);
  d.field("after", &GroupsQuery::after).doc("what `next` of the page before has said");
}

void GroupRow::describe(Description<GroupRow>& d) {
  d.java_type("sofa.RaftGroupRow").doc("A member of a Raft group.");
  d.field("group", &GroupRow::group);
  d.field("node", &GroupRow::node).doc("the member, IP:PORT[:IDX[:PRIORITY]]");
  d.field("role", &GroupRow::role).doc("LEADER, TRANSFERRING, CANDIDATE, FOLLOWER, ERROR, UNINITIALIZED, SHUTTING, SHUTDOWN");
  d.field("leader", &GroupRow::leader).doc("that it knows; empty: none");
  d.field("term", &GroupRow::term);
  d.field("last_log", &GroupRow::last_log).doc("the last entry of its log");
  d.field("committed", &GroupRow::committed).doc("the last entry that it knows to be committed");
  d.field("applied", &GroupRow::applied).doc("the last entry that the state machine has taken");
  d.field("lag", &GroupRow::lag).doc("of a leader: the entries that some peer lacks, the largest number; -1: it does not lead");
  d.field("elections", &GroupRow::elections).doc("that it has begun since its start");
  d.field("last_election", &GroupRow::last_election).doc("why it has left its last leader");
  d.field("last_election_at_ms", &GroupRow::last_election_at_ms).unit("ms since 1970").doc("when that was, or when it has campaigned since");
  d.field("quiet", &GroupRow::quiet).doc("the group is idle, and sends nothing");
  d.field("note", &GroupRow::note).doc("what somebody should look at; empty: nothing");
}

void GroupSums::describe(Description<GroupSums>& d) {
  d.java_type("sofa.RaftGroupSums");
  d.field("groups", &GroupSums::groups);
  d.field("leaders", &GroupSums::leaders);
  d.field("followers", &GroupSums::followers);
  d.field("quiet", &GroupSums::quiet).doc("idle groups, which send nothing");
  d.field("attention", &GroupSums::attention).doc("that somebody should look at");
}

void GroupPage::describe(Description<GroupPage>& d) {
  d.java_type("sofa.RaftGroups");
  d.field("address", &GroupPage::address).doc("of the server, as it stands in the members; empty: there is no server");
  d.field("sums", &GroupPage::sums).doc("over all groups, whatever was asked for");
  d.field("matching", &GroupPage::matching).doc("groups that the query takes, on all pages");
  d.field("groups", &GroupPage::groups);
  d.field("next", &GroupPage::next).doc("`after` of the next page; empty: there is none");
}

}  // namespace sofa::raft
