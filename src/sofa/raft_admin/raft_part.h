#pragma once
// The Raft groups of a process on its admin port: lists, one group, metrics.
//
//   raft::show_groups(admin, [&] { return server.get(); });      // before the admin server starts
//
//   GET /v1/raft/groups                  a page of them, with sums over all; permission "raft:read"
//   GET /v1/raft/groups/{group}          the members of one group on this server, each in full; permission "raft:read"
//   /metrics                             Server::metrics()

#include <functional>

#include "sofa/admin/admin_server.h"
#include "sofa/state/raft/server.h"

namespace sofa::raft {

/// The server; null: it has not opened yet, or has stopped.
using ServerSource = std::function<Server*()>;

/// `source` is asked on the shard that calls this, to which the server belongs; what it refers to outlives `admin`.
void show_groups(admin::AdminServer& admin, ServerSource source);

/// Which of the groups are listed.
struct GroupsQuery {
  std::string contains{};  ///< in the name
  bool attention = false;  ///< only those with a note
  uint32_t limit = 100;    ///< 1,000 at most
  std::string after{};     ///< those behind this name
  static void describe(Description<GroupsQuery>& d);
};

/// A member of a group, in a list.
struct GroupRow {
  std::string group{}, node{}, role{}, leader{};
  int64_t term = 0, last_log = 0, committed = 0, applied = 0;
  int64_t lag = -1;  ///< of a leader: the entries that some peer lacks, the largest number; -1: it does not lead
  int64_t elections = 0;
  std::string last_election{};
  int64_t last_election_at_ms = 0;  ///< since 1970
  bool quiet = false;
  std::string note{};  ///< what somebody should look at; empty: nothing
  static void describe(Description<GroupRow>& d);
};

/// All groups of the server, whatever was asked for.
struct GroupSums {
  int64_t groups = 0, leaders = 0, followers = 0, quiet = 0, attention = 0;
  static void describe(Description<GroupSums>& d);
};

struct GroupPage {
  std::string address{};  ///< of the server; empty: there is none
  GroupSums sums{};
  int64_t matching = 0;  ///< of the query, on all pages
  std::vector<GroupRow> groups{};
  std::string next{};  ///< where the next page begins; empty: there is none
  static void describe(Description<GroupPage>& d);
};

/// What somebody should look at of a member: that it has failed, knows no leader, has a full disk, or leads and a peer is silent or cannot be fed.
std::string note_of(const Node& node, Instant now);
GroupPage page_of(Server& server, const GroupsQuery& asked, Instant now);

}  // namespace sofa::raft
