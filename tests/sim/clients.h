#pragma once
// Clients: each makes one call after the other, of a group and a key, with values that are used once, at the node that it takes for the leader; it
// tries again elsewhere within its patience, writes with the number of its session. Every answer is judged at once by the truth of the group (I8, I9,
// I13, I17); the history can be written for another judge (tools/lincheck).

#include <cstdio>
#include <string>
#include <vector>

#include "replica.h"

namespace sofa::raft_sim {

class Clients {
 public:
  explicit Clients(RaftWorld& world);

  /// Also again, once all are idle.
  void start();
  /// No new calls: those that have been made go to their end.
  void stop() { stopped_ = true; }
  bool idle() const { return under_way_ == 0; }
  /// The connection to a node has broken.
  void connection_broke(const sim::Network::End& end);
  /// From now on, calls and answers as JSON lines, as tools/lincheck reads them.
  void write_history(std::FILE* file) { history_ = file; }
  /// What is under way has no end that is known.
  void end_history();

  struct Counts {
    uint64_t calls = 0, done = 0, failed = 0, unknown = 0, attempts = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Client {
    int number = 0;
    int group = 0;
    uint64_t session = 0;  // number of the newest write
    // The call that is under way; attempt 0: none.
    uint64_t attempt = 0;
    Request request{};
    Command command{};
    bool in_session = true, unsure = false, under_way = false;
    Instant made{}, give_up{};
    sim::Linear::Begun begun{};
    int at = 0;  // the node that is asked
    int guess = 0;
    uint64_t connection = 0;
    std::map<int, std::pair<uint64_t, int64_t>> seen{};  // by local reads: of a node its life, and the newest index
  };

  void next_call(Client& client);
  void make_call(Client& client);
  void attempt(Client& client);
  void again(Client& client, Duration wait, int hint);
  void answered(Client& client, uint64_t attempt, const Reply& reply);
  void end(Client& client, const Reply* reply);
  void judge(Client& client, const Reply& reply);
  void record(const Client& client, const Reply* reply);

  RaftWorld& world_;
  Random& random_;
  std::vector<Client> clients_;
  uint64_t next_attempt_ = 1, next_value_ = 1;
  size_t under_way_ = 0;
  bool stopped_ = false;
  uint64_t starts_ = 0;  // what was to be called before the last one is not
  Counts counts_{};
  std::FILE* history_ = nullptr;
};

}  // namespace sofa::raft_sim
